// The edges of a box with their lengths, as two SVG drawings: one behind the volume, one before it.

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);

function boxDrawing() {
  const drawing = () => svgElement("svg", { viewBox: "-1 -1 2 2", "aria-hidden": "true" });
  return { behind: drawing(), front: drawing() };
}

// lengths: of the box along x, y and z; texts: what is written along them.
function drawBox({ behind, front }, { right, up, back }, lengths, texts, span) {
  const centred = CORNERS.map((corner) => corner.map((side, axis) => (side - 0.5) * lengths[axis]));
  const flat = centred.map((corner) => [dot(corner, right) / span, -dot(corner, up) / span]);
  const depths = centred.map((corner) => dot(corner, back));
  const farthest = depths.indexOf(Math.min(...depths));
  const size = front.clientWidth || 400;
  front.setAttribute("viewBox", `${-size / 2} ${-size / 2} ${size} ${size}`);
  behind.setAttribute("viewBox", front.getAttribute("viewBox"));
  const placed = flat.map(([x, y]) => [(x * size) / 2, (y * size) / 2]);
  behind.replaceChildren();
  front.replaceChildren();
  for (let axis = 0; axis < 3; axis++) {
    const edges = CORNERS.flatMap((corner, i) => (corner[axis] ? [] : [[i, i | (1 << axis)]]));
    for (const [a, b] of edges) {
      const hidden = a === farthest || b === farthest;
      const [[x1, y1], [x2, y2]] = [placed[a], placed[b]];
      const line = svgElement("line", { class: hidden ? "edge hidden-edge" : "edge", x1, y1, x2, y2 });
      (hidden ? behind : front).append(line);
    }
    const outline = edges.filter(([corner]) => isOutline(CORNERS[corner], axis, back));
    if (outline.length) front.append(lengthAlong(outermost(outline, placed, axis), placed, texts[axis]));
  }
}

// An edge is part of the outline where it parts a face that is seen from one that is not.
function isOutline(corner, axis, back) {
  const [one, other] = [0, 1, 2]
    .filter((normal) => normal !== axis)
    .map((normal) => (corner[normal] ? back[normal] : -back[normal]) > 0);
  return one !== other;
}

// The lowest of the edges, or, of upright ones, the one furthest to the left.
function outermost(edges, placed, axis) {
  const score = ([a, b]) => {
    const [x, y] = middle(placed[a], placed[b]);
    return axis === 2 ? -x : y;
  };
  return edges.reduce((best, edge) => (score(edge) > score(best) ? edge : best));
}

function lengthAlong([a, b], placed, text) {
  const [x, y] = middle(placed[a], placed[b]);
  const [dx, dy] = [placed[b][0] - placed[a][0], placed[b][1] - placed[a][1]];
  const length = Math.hypot(dx, dy) || 1;
  let normal = [-dy / length, dx / length];
  if (normal[0] * x + normal[1] * y < 0) normal = normal.map((part) => -part);
  const [tx, ty] = [x + 12 * normal[0], y + 12 * normal[1]];
  let angle = (Math.atan2(dy, dx) * 180) / Math.PI;
  if (angle > 90) angle -= 180;
  if (angle <= -90) angle += 180;
  return svgElement("text", { x: tx, y: ty, transform: `rotate(${angle} ${tx} ${ty})` }, text);
}

function middle([x1, y1], [x2, y2]) {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}
