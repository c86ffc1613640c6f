// Values under the pointer. Beside every figure with curves the page holds their values and the
// place and scales of their axes. A plot has stops: places that the pointer snaps to and the arrow
// keys go through, each with a heading and the values there.

const tip = element("div", { class: "tip", role: "status", hidden: "" });
document.body.append(tip);

// A function from values of an axis to units of the SVG.
function placesOn(scale, from, to) {
  const warp = scale.log ? Math.log10 : Number;
  const [low, high] = scale.limits.map(warp);
  return (value) => from + ((warp(value) - low) / (high - low)) * (to - from);
}

function stopsOf(plot) {
  const [left, top, right, bottom] = plot.box;
  const across = placesOn(plot.x, left, right);
  const up = placesOn(plot.y, bottom, top);
  const known = (x, y) => x !== null && y !== null;
  if (plot.shared && !plot.y.names) {
    // Curves over the same abscissa: all values there at once.
    return plot.curves[0].x.map((x, i) => ({
      at: [across(x), null],
      heading: `${plot.x.label}: ${numberText(x)}`,
      note: plot.y.label,
      rows: plot.curves.map((curve) => [curve.name, numberText(curve.y[i])]),
      marks: plot.curves
        .filter((curve) => known(x, curve.y[i]))
        .map((curve) => [across(x), up(curve.y[i])]),
    }));
  }
  if (plot.y.names && plot.curves.every((curve) => curve.x.length <= 2)) {
    // One row for each name.
    return plot.y.names.map((name, row) => ({
      at: [null, up(row)],
      heading: name,
      note: plot.x.label,
      rows: plot.curves
        .filter((curve) => curve.y[0] === row)
        .map((curve) => [curve.name, curve.x.map(numberText).join(" to ")]),
      marks: [],
    }));
  }
  const points = plot.curves.flatMap((curve) =>
    curve.x
      .map((x, i) => ({ curve, x, y: curve.y[i] }))
      .filter(({ x, y }) => known(x, y)),
  );
  points.sort((a, b) => a.x - b.x);
  return points.map(({ curve, x, y }) => ({
    at: [across(x), up(y)],
    heading: plot.y.names ? plot.y.names[y] : curve.name,
    note: "",
    rows: [
      [plot.x.label, numberText(x)],
      ...(plot.y.names ? [] : [[plot.y.label || "value", numberText(y)]]),
    ],
    marks: [[across(x), up(y)]],
  }));
}

function distance(stop, [x, y]) {
  return Math.hypot(stop.at[0] === null ? 0 : stop.at[0] - x, stop.at[1] === null ? 0 : stop.at[1] - y);
}

function makeReadable(svg, plots) {
  const marks = svgElement("g", { class: "marks" });
  const reach = 12;
  const all = plots.map((plot) => ({ box: plot.box, stops: stopsOf(plot) }));
  let current = { plot: all[0], index: -1 };
  svg.append(marks);
  svg.classList.add("readable");
  svg.tabIndex = 0;

  function show(plot, index) {
    const stop = plot.stops[index];
    if (!stop) return;
    current = { plot, index };
    const [left, top, right, bottom] = plot.box;
    const [x, y] = stop.at;
    marks.replaceChildren(
      ...(y === null ? [svgElement("line", { class: "guide", x1: x, x2: x, y1: top, y2: bottom })] : []),
      ...(x === null ? [svgElement("line", { class: "guide", x1: left, x2: right, y1: y, y2: y })] : []),
      ...stop.marks.map(([cx, cy]) => svgElement("circle", { class: "point", cx, cy, r: 3 })),
    );
    tip.replaceChildren(
      element("b", {}, stop.heading),
      ...(stop.note ? [element("div", {}, stop.note)] : []),
      element("dl", {}, ...stop.rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    );
    const corner = new DOMPoint(x ?? left, y ?? top).matrixTransform(svg.getScreenCTM());
    placeTip(corner.x, corner.y);
  }

  function hide() {
    marks.replaceChildren();
    tip.hidden = true;
  }

  svg.addEventListener("pointermove", (event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const plot = all.find(
      ({ box: [left, top, right, bottom] }) =>
        x > left - reach && x < right + reach && y > top - reach && y < bottom + reach,
    );
    if (!plot || !plot.stops.length) return hide();
    const lengths = plot.stops.map((stop) => distance(stop, [x, y]));
    show(plot, lengths.indexOf(Math.min(...lengths)));
  });
  svg.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!svg.contains(event.target)) hide();
  });
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault();
    let { plot, index } = current;
    index += step;
    if (!plot.stops[index]) {
      const next = all[all.indexOf(plot) + step];
      if (!next) return;
      plot = next;
      index = step > 0 ? 0 : plot.stops.length - 1;
    }
    show(plot, index);
  });
}

function placeTip(x, y) {
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const right = x + 14 + width < window.innerWidth ? x + 14 : x - 14 - width;
  tip.style.left = `${Math.max(4, right)}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 8, window.innerHeight - height - 4))}px`;
}

for (const script of document.querySelectorAll("script.values")) {
  makeReadable(script.previousElementSibling, JSON.parse(script.textContent));
}
