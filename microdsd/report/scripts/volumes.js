// The figure of two volumes that turn together, in place of its two still pictures.

const SLOW = 60; // milliseconds for a picture: from here on moving pictures are coarser
const NOTHING = [1e6, -1e6, 1e6]; // the corner beyond which nothing is cut away

// pair: what both figures share; false where the browser cannot draw.
function showVolumes(figure, pair) {
  const camera = new Camera();
  const views = [];
  for (const [side, volume] of Object.entries(pair.volumes)) {
    const canvas = element("canvas");
    const cast = rayCaster(canvas, volume);
    if (!cast) return false;
    views.push({ side, canvas, cast, box: boxDrawing(), lengths: lengthsOf(volume) });
  }
  const whole = Math.max(...views.map(({ lengths }) => Math.hypot(...lengths)));
  let milliseconds = 0;
  let rest = 0;

  function draw(moving) {
    const axes = camera.axes();
    const span = (0.52 * whole) / camera.zoom;
    const [z, y, x] = pair.position;
    const corner = pair.cut ? [x, y, z] : NOTHING;
    for (const { canvas, cast, box, lengths } of views) {
      const slow = milliseconds > SLOW;
      const ratio = moving ? (slow ? 0.5 : 1) : slow ? 1 : 2;
      const started = performance.now();
      cast(axes, span, pair.phases, corner, Math.round((canvas.clientWidth || 400) * ratio));
      milliseconds = (performance.now() - started) / ratio ** 2;
      const texts = lengths.map((length, i) => `${"xyz"[i]} = ${numberText(length)} ${pair.unit}`);
      drawBox(box, axes, lengths, texts, span);
    }
  }

  // A coarse picture at once, the full one when nothing has moved for a moment.
  function changed() {
    clearTimeout(rest);
    if (pair.drawing) return;
    pair.drawing = true;
    requestAnimationFrame(() => {
      pair.drawing = false;
      draw(true);
      clearTimeout(rest);
      rest = setTimeout(() => draw(false), 150);
    });
  }

  for (const { side, canvas, box } of views) {
    const view = element(
      "div",
      { class: "view live", role: "img", "aria-label": `volume, ${side}; arrow keys turn it` },
      box.behind, canvas, box.front,
    );
    steer(view, camera, changed);
    figure.querySelector(`[data-side="${side}"]`).append(view);
  }
  figure.prepend(volumeControls(pair, camera, changed));
  figure.classList.add("is-live");
  pair.listeners.push(changed);
  new ResizeObserver(changed).observe(views[0].canvas);
  changed();
  return true;
}

function lengthsOf({ shape, edges }) {
  return [2, 1, 0].map((axis) => shape[axis] * edges[axis]);
}

function volumeControls(pair, camera, changed) {
  const box = (text, checked, onchange) => {
    const input = element("input", { type: "checkbox", ...(checked ? { checked: "" } : {}) });
    input.addEventListener("change", () => {
      onchange(input.checked);
      changed();
    });
    return element("label", {}, input, ...text);
  };
  const change = (action) => () => {
    action();
    changed();
  };
  return element(
    "div",
    { class: "controls live" },
    ...pair.phases.map((phase) =>
      box([swatch(phase), phase.name], phase.visible, (checked) => (phase.visible = checked)),
    ),
    box(["cut a corner at the slices below"], pair.cut, (checked) => (pair.cut = checked)),
    element(
      "span",
      { class: "tools", style: "margin: 0" },
      button("+", change(() => camera.magnify(1.3)), { "aria-label": "nearer" }),
      button("−", change(() => camera.magnify(1 / 1.3)), { "aria-label": "further" }),
      button("Reset", change(() => camera.reset())),
    ),
  );
}

function swatch(phase) {
  return element("i", { class: "swatch", style: `background:${phase.fill}; margin: 0` });
}
