// The real and the generated volume of a page, brought to life together. Where a browser lacks what
// that needs, the still pictures stay.

for (const script of document.querySelectorAll("script.volumes")) {
  const { edges, unit, phases, real, generated } = JSON.parse(script.textContent);
  const volumes = {};
  for (const [side, packed] of Object.entries({ real, generated })) {
    volumes[side] = { shape: packed.shape, edges, labels: await unpacked(packed) };
  }
  const pair = {
    volumes, phases, unit,
    position: real.shape.map((length) => Math.floor(length / 2)),
    cut: false,
    listeners: [],
    changed: () => pair.listeners.forEach((listen) => listen()),
  };
  showVolumes(document.getElementById("volumes"), pair);
  showSlices(document.getElementById("slices"), pair);
}
