// Files out of the page: figures as SVG and CSV, tables as CSV, the numbers as JSON, the references
// as BibTeX. Everything is made from what the page holds.

const numbers = document.getElementById("numbers");
const stem = (numbers ? numbers.dataset.name : document.title)
  .replace(/\.json$/, "")
  .replace(/[^\p{L}\p{N}._-]+/gu, "-");

function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function csv(rows) {
  const cell = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

// One line for each point: its panel, its curve, x and y, and what the two are.
function valuesOf(figure) {
  const rows = [["panel", "curve", "x", "y", "x is", "y is"]];
  for (const script of figure.querySelectorAll("script.values")) {
    if (!isShown(script.previousElementSibling)) continue;
    const heading = script.parentElement.querySelector("h3")?.textContent ?? "";
    for (const plot of JSON.parse(script.textContent)) {
      const panel = heading || plot.title;
      for (const { name, x, y } of plot.curves) {
        x.forEach((value, i) => {
          const height = plot.y.names ? plot.y.names[y[i]] : y[i];
          rows.push([panel, name, value, height, plot.x.label, plot.y.label]);
        });
      }
    }
  }
  return rows;
}

// Everything that the figure shows now, at its place: pictures, the view of a volume, headings.
function pictureOf(figure) {
  const frame = figure.getBoundingClientRect();
  const picture = svgElement("svg", { xmlns: "http://www.w3.org/2000/svg" });
  let bottom = 0;
  for (const part of figure.querySelectorAll("h3, .side, .plane p, svg, canvas")) {
    if (!isShown(part)) continue;
    const box = part.getBoundingClientRect();
    const place = { x: box.x - frame.x, y: box.y - frame.y, width: box.width, height: box.height };
    bottom = Math.max(bottom, place.y + place.height);
    picture.append(copyOf(part, place));
  }
  const size = { width: Math.ceil(frame.width), height: Math.ceil(bottom) };
  filled(picture, { ...size, viewBox: `0 0 ${size.width} ${size.height}` }, []);
  picture.prepend(svgElement("rect", { ...size, fill: "#ffffff" }));
  // Variables of the style sheet stay behind: each gives way to the default that it was written with.
  const text = new XMLSerializer().serializeToString(picture);
  return `${text.replace(/var\(--[\w-]+, (#[0-9a-f]{6})\)/g, "$1")}\n`;
}

function copyOf(part, place) {
  if (part instanceof HTMLCanvasElement) {
    return svgElement("image", { ...place, href: part.toDataURL(), style: "image-rendering: pixelated" });
  }
  if (part instanceof SVGElement) {
    const copy = part.cloneNode(true);
    copy.querySelectorAll(".marks").forEach((marks) => marks.remove());
    copy.removeAttribute("style");
    copy.removeAttribute("tabindex");
    return filled(copy, place, []);
  }
  const style = `font: 600 13px sans-serif; fill: #1f2328`;
  return svgElement("text", { x: place.x, y: place.y + 14, style }, part.innerText.replace(/\s+/g, " "));
}

function rowsOf(table) {
  const plain = (text) => text.trim().replaceAll("−", "-").replaceAll("\u202f", "");
  let group = "";
  return [...table.rows].map((row) =>
    [...row.cells].flatMap((cell) => {
      let text = plain(cell.textContent);
      // A name that stands once for several rows belongs to each of them.
      if (cell.classList.contains("what")) text = group = text || group;
      return Array(cell.colSpan).fill(text);
    }),
  );
}

function fileName(caption, kind, suffix) {
  const number = caption?.querySelector("b")?.textContent.match(/\d+/)?.[0];
  return `${stem}-${kind}${number ? `-${number}` : ""}.${suffix}`;
}

for (const figure of document.querySelectorAll("figure")) {
  const caption = figure.querySelector("figcaption");
  const saved = (suffix) => fileName(caption, "figure", suffix);
  const tools = element("div", { class: "tools" });
  tools.append(button("SVG", () => save(saved("svg"), "image/svg+xml", pictureOf(figure))));
  if (figure.querySelector("script.values")) {
    tools.append(button("CSV", () => save(saved("csv"), "text/csv", csv(valuesOf(figure)))));
  }
  caption.append(tools);
}

for (const box of document.querySelectorAll(".box")) {
  const next = box.nextElementSibling;
  const caption = next?.classList.contains("caption") ? next : null;
  const name = fileName(caption, caption ? "table" : "samples", "csv");
  const tools = element("div", { class: "tools" });
  tools.append(button("CSV", () => save(name, "text/csv", csv(rowsOf(box.querySelector("table"))))));
  (caption ?? box).after(tools);
}

if (numbers) {
  const saveNumbers = () => save(numbers.dataset.name, "application/json", numbers.textContent);
  pageTools.append(button("JSON", saveNumbers, { title: "Save all numbers of this page" }));
}

const paragraph = document.getElementById("paragraph");
if (paragraph) {
  const bibtex = document.getElementById("bibtex");
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(paragraph.innerText);
    copy.textContent = "Copied";
  });
  const tools = element("div", { class: "tools" });
  if (navigator.clipboard) tools.append(copy);
  tools.append(button("BibTeX", () => save(`${stem}.bib`, "application/x-bibtex", bibtex.textContent)));
  paragraph.after(tools);
}
