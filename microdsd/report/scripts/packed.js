// Volumes of labels, one byte for each voxel, as the page holds them: gzip in base64.

async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed.labels), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Red, green and blue of a colour such as #27507f.
function channels(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
