// The real and the generated volume of a page, brought to life together when the reader comes near
// them. Where a browser lacks what that needs, the still pictures stay.

async function bringToLife({ edges, unit, phases, real, generated }) {
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

for (const script of document.querySelectorAll("script.volumes")) {
  const watch = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      bringToLife(JSON.parse(script.textContent));
    },
    { rootMargin: "600px" },
  );
  for (const name of ["volumes", "slices"]) watch.observe(document.getElementById(name));
}
