// One volume of labels on a canvas: a ray for each pixel walks from voxel to voxel until it meets a
// phase that is shown. Faces are lit, darker in corners, and in the shadow of what is before them.

const VERTICES = `#version 300 es
void main() { // one triangle that covers the canvas
  gl_Position = vec4(vec2(gl_VertexID == 1, gl_VertexID == 2) * 4.0 - 1.0, 0.0, 1.0);
}`;

const RAYS = `#version 300 es
precision highp float; precision highp int; precision highp usampler3D;
uniform usampler3D labels;
uniform sampler2D palette;   // of every label: lit and, below, cut colour; opacity 0 is not shown
uniform ivec3 size;          // voxels
uniform vec3 edge;           // of a voxel
uniform vec3 right, up, back;
uniform vec2 canvas;         // pixels
uniform float span;          // half of what the canvas shows
uniform ivec3 corner;        // voxels beyond it, to the right, in front and above, are cut away
out vec4 colour;

bool empty(ivec3 cell) {
  if (any(lessThan(cell, ivec3(0))) || any(greaterThanEqual(cell, size))) return true;
  if (cell.x > corner.x && cell.y < corner.y && cell.z > corner.z) return true;
  return texelFetch(palette, ivec2(texelFetch(labels, cell, 0).r, 0), 0).a == 0.0;
}

bool absent(ivec3 cell) { // outside of the box, or cut away: what is behind is a cut face
  return any(lessThan(cell, ivec3(0))) || any(greaterThanEqual(cell, size))
    || (cell.x > corner.x && cell.y < corner.y && cell.z > corner.z);
}

// Walks from the face through which \`place\` is entered; false if nothing is met.
bool walk(vec3 place, vec3 along, int most, inout ivec3 cell, inout ivec3 face) {
  ivec3 forward = ivec3(sign(along));
  vec3 step = abs(1.0 / along);
  vec3 next = (vec3(cell) + vec3(greaterThan(along, vec3(0.0))) - place) / along;
  for (int i = 0; i < most; i++) {
    if (!empty(cell)) return true;
    if (next.x < next.y && next.x < next.z) { cell.x += forward.x; next.x += step.x; face = ivec3(-forward.x, 0, 0); }
    else if (next.y < next.z) { cell.y += forward.y; next.y += step.y; face = ivec3(0, -forward.y, 0); }
    else { cell.z += forward.z; next.z += step.z; face = ivec3(0, 0, -forward.z); }
    if (any(lessThan(cell, ivec3(-1))) || any(greaterThan(cell, size))) return false;
  }
  return false;
}

// Share of open space around a point of a face, from the eight voxels in front of it.
float openness(ivec3 front, ivec3 face, vec3 inside) {
  ivec3 u = abs(face.yzx), v = abs(face.zxy);
  float a = dot(inside, vec3(u)) * 2.0 - 1.0, b = dot(inside, vec3(v)) * 2.0 - 1.0;
  ivec3 du = u * (a > 0.0 ? 1 : -1), dv = v * (b > 0.0 ? 1 : -1);
  float walls = (empty(front + du) ? 0.0 : abs(a)) + (empty(front + dv) ? 0.0 : abs(b));
  if (walls == 0.0 && !empty(front + du + dv)) walls = min(abs(a), abs(b));
  return 1.0 - 0.28 * min(walls, 1.6);
}

void main() {
  vec2 at = (2.0 * gl_FragCoord.xy / canvas - 1.0) * span;
  vec3 box = vec3(size) * edge;
  vec3 start = (at.x * right + at.y * up + length(box) * back + 0.5 * box) / edge;
  vec3 along = -back / edge;
  along += vec3(equal(along, vec3(0.0))) * 1e-6;

  vec3 first = (vec3(0.0) - start) / along, last = (vec3(size) - start) / along;
  vec3 enter = min(first, last), leave = max(first, last);
  float from = max(max(enter.x, enter.y), enter.z);
  if (from >= min(min(leave.x, leave.y), leave.z)) { colour = vec4(0.0); return; }
  ivec3 face = from == enter.x ? ivec3(-sign(along.x), 0, 0)
    : from == enter.y ? ivec3(0, -sign(along.y), 0) : ivec3(0, 0, -sign(along.z));
  vec3 place = start + from * along;
  ivec3 cell = clamp(ivec3(floor(place - 0.5 * vec3(face))), ivec3(0), size - 1);
  if (!walk(place, along, size.x + size.y + size.z + 3, cell, face)) { colour = vec4(0.0); return; }

  bool cut = absent(cell + face);
  uint label = texelFetch(labels, cell, 0).r;
  vec3 base = texelFetch(palette, ivec2(label, cut ? 1 : 0), 0).rgb;
  vec3 light = normalize(-0.45 * right + 0.75 * up + 0.70 * back);
  float facing = max(dot(vec3(face), light), 0.0);
  if (cut) { colour = vec4(base * (0.84 + 0.2 * facing), 1.0); return; }

  // Where the ray meets the face, and from there towards the light.
  vec3 plane = vec3(cell) + max(vec3(face), 0.0);
  float reach = dot(plane - start, vec3(face)) / dot(along, vec3(face));
  vec3 met = start + reach * along;
  ivec3 front = cell + face, unused = face;
  float lit = 1.0;
  if (facing > 0.0 && walk(met + 0.01 * vec3(face), light / edge, 96, front, unused)) lit = 0.3;
  float open = openness(cell + face, face, clamp(met - vec3(cell), 0.0, 1.0));
  float sky = 0.5 + 0.5 * dot(vec3(face), up);
  colour = vec4(base * min((0.44 + 0.2 * sky) * open + 0.44 * facing * lit, 1.05), 1.0);
}`;

// A function that draws; null where the browser cannot.
function rayCaster(canvas, { shape: [depth, rows, columns], edges, labels }) {
  const gl = canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true });
  if (!gl || Math.max(depth, rows, columns) > gl.getParameter(gl.MAX_3D_TEXTURE_SIZE)) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, RAYS]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    console.error(gl.getProgramInfoLog(program), ...gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader)));
    return null;
  }
  gl.useProgram(program);
  const uniform = (name) => gl.getUniformLocation(program, name);

  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  texture(gl, gl.TEXTURE0, gl.TEXTURE_3D);
  gl.texImage3D(gl.TEXTURE_3D, 0, gl.R8UI, columns, rows, depth, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, labels);
  texture(gl, gl.TEXTURE1, gl.TEXTURE_2D);
  gl.uniform1i(uniform("labels"), 0);
  gl.uniform1i(uniform("palette"), 1);
  gl.uniform3i(uniform("size"), columns, rows, depth);
  gl.uniform3f(uniform("edge"), edges[2], edges[1], edges[0]);

  return (axes, span, phases, corner, pixels) => {
    const palette = new Uint8Array(2 * 256 * 4);
    for (const phase of phases) {
      const opacity = phase.visible ? 255 : 0;
      palette.set([...channels(phase.solid), opacity], 4 * phase.label);
      palette.set([...channels(phase.cut), opacity], 4 * (256 + phase.label));
    }
    canvas.width = canvas.height = pixels;
    gl.viewport(0, 0, pixels, pixels);
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 2, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
    for (const [name, vector] of Object.entries(axes)) gl.uniform3f(uniform(name), ...vector);
    gl.uniform2f(uniform("canvas"), pixels, pixels);
    gl.uniform1f(uniform("span"), span);
    gl.uniform3i(uniform("corner"), ...corner);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits for the picture
  };
}

function texture(gl, unit, kind) {
  gl.activeTexture(unit);
  gl.bindTexture(kind, gl.createTexture());
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(kind, filter, gl.NEAREST);
}
