// The figure of slices that are stepped through: three planes of both volumes, at one place.

const AXES = ["z", "y", "x"];

function showSlices(figure, pair) {
  const planes = [];
  for (const [side, volume] of Object.entries(pair.volumes)) {
    const row = element("div", { class: "planes live" });
    for (const axis of [0, 1, 2]) {
      const plane = makePlane(axis, volume, pair);
      planes.push(plane);
      row.append(plane.place);
    }
    figure.querySelector(`[data-side="${side}"]`).append(row);
  }
  const sliders = AXES.map((name, axis) => slider(name, axis, pair));
  figure.prepend(element("div", { class: "controls live" }, ...sliders.map(({ label }) => label)));
  figure.classList.add("is-live");
  const draw = () => {
    planes.forEach((plane) => plane.draw());
    sliders.forEach((one) => one.draw());
  };
  pair.listeners.push(draw);
  draw();
}

function slider(name, axis, pair) {
  const { shape, edges } = Object.values(pair.volumes)[0];
  const input = element("input", { type: "range", min: 0, max: shape[axis] - 1, "aria-label": `slice normal to ${name}` });
  const output = element("output");
  input.addEventListener("input", () => {
    pair.position[axis] = Number(input.value);
    pair.changed();
  });
  return {
    label: element("label", {}, name, input, output),
    draw() {
      input.value = pair.position[axis];
      const place = numberText((pair.position[axis] + 0.5) * edges[axis]);
      output.textContent = `${pair.position[axis] + 1} of ${shape[axis]} (${place} ${pair.unit})`;
    },
  };
}

// One plane: rows and columns are the other two axes, in their order.
function makePlane(axis, { shape, edges, labels }, pair) {
  const [down, across] = [0, 1, 2].filter((other) => other !== axis);
  const canvas = element("canvas", { width: shape[across], height: shape[down] });
  const lengths = [shape[down] * edges[down], shape[across] * edges[across]];
  canvas.style.aspectRatio = `${lengths[1]} / ${lengths[0]}`;
  const lines = [element("div", { class: "cross" }), element("div", { class: "cross" })];
  const frame = element("div", { style: "position: relative" }, canvas, ...lines);
  const place = element("div", { class: "plane", style: `flex: ${lengths[1]} 1 0` }, element("p", {}, `normal to ${AXES[axis]}`), frame);
  const colours = new Map(pair.phases.map((phase) => [phase.label, channels(phase.fill)]));
  const names = new Map(pair.phases.map((phase) => [phase.label, phase.name]));
  const strides = [shape[1] * shape[2], shape[2], 1];
  const labelAt = (row, column) =>
    labels[pair.position[axis] * strides[axis] + row * strides[down] + column * strides[across]];

  function draw() {
    const image = new ImageData(shape[across], shape[down]);
    for (let row = 0, i = 0; row < shape[down]; row++) {
      for (let column = 0; column < shape[across]; column++, i += 4) {
        image.data.set([...(colours.get(labelAt(row, column)) ?? [0, 0, 0]), 255], i);
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    const share = (which) => `${(100 * (pair.position[which] + 0.5)) / shape[which]}%`;
    lines[0].style.cssText = `left: 0; right: 0; height: 1px; top: ${share(down)}`;
    lines[1].style.cssText = `top: 0; bottom: 0; width: 1px; left: ${share(across)}`;
  }

  function voxelUnder(event) {
    const box = canvas.getBoundingClientRect();
    const at = (share, which) => Math.max(0, Math.min(shape[which] - 1, Math.floor(share * shape[which])));
    return [at((event.clientY - box.y) / box.height, down), at((event.clientX - box.x) / box.width, across)];
  }

  frame.addEventListener("pointermove", (event) => {
    const [row, column] = voxelUnder(event);
    const voxel = [...pair.position];
    [voxel[down], voxel[across]] = [row, column];
    const where = AXES.map((name, i) => `${name} ${numberText((voxel[i] + 0.5) * edges[i])}`);
    tip.replaceChildren(
      element("b", {}, names.get(labelAt(row, column)) ?? ""),
      element("div", {}, `${where.join(", ")} ${pair.unit}`),
    );
    placeTip(event.clientX, event.clientY);
  });
  frame.addEventListener("pointerleave", () => (tip.hidden = true));
  frame.addEventListener("click", (event) => {
    [pair.position[down], pair.position[across]] = voxelUnder(event);
    pair.changed();
  });
  return { place, draw };
}
