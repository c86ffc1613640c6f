// Elements of the page. All text is set as text, so that no name of a phase becomes markup.

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

// The buttons of the whole page. They exist only where scripts run: none is ever dead.
const pageTools = element("div", { class: "tools page-tools" });
document.querySelector("header").prepend(pageTools);

function isShown(part) {
  const { width, height } = part.getBoundingClientRect();
  return width > 0 && height > 0;
}

// Four significant digits, without an exponent where it can be avoided.
function numberText(value) {
  return value === null ? "–" : String(Number(value.toPrecision(4))).replace("-", "−");
}
