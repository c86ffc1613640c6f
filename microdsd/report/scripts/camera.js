// The direction from which both volumes are seen. Axes are x, y, z; z is upright.

const FIRST_VIEW = { azimuth: 35, elevation: 24, zoom: 1 };

class Camera {
  constructor() {
    this.reset();
  }

  reset() {
    Object.assign(this, FIRST_VIEW);
  }

  turn(right, up) {
    this.azimuth = (this.azimuth + right) % 360;
    this.elevation = Math.max(-90, Math.min(90, this.elevation + up));
  }

  magnify(factor) {
    this.zoom = Math.max(0.5, Math.min(8, this.zoom * factor));
  }

  // Unit vectors to the right, up, and towards the viewer.
  axes() {
    const [a, e] = [this.azimuth, this.elevation].map((angle) => (angle * Math.PI) / 180);
    return {
      right: [Math.cos(a), Math.sin(a), 0],
      up: [-Math.sin(a) * Math.sin(e), Math.cos(a) * Math.sin(e), Math.cos(e)],
      back: [Math.sin(a) * Math.cos(e), -Math.cos(a) * Math.cos(e), Math.sin(e)],
    };
  }
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// Pointer, wheel and keys turn and magnify; the wheel only once the view was chosen by a click, so
// that the page scrolls past it.
function steer(view, camera, changed) {
  const change = (action) => {
    action();
    changed();
  };
  view.tabIndex = 0;
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId);
    view.focus({ preventScroll: true });
  });
  view.addEventListener("pointermove", (event) => {
    if (!view.hasPointerCapture(event.pointerId)) return;
    const turned = 180 / view.clientWidth;
    change(() => camera.turn(-event.movementX * turned, event.movementY * turned));
  });
  view.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== view) return;
      event.preventDefault();
      change(() => camera.magnify(Math.exp(-event.deltaY / 500)));
    },
    { passive: false },
  );
  view.addEventListener("keydown", (event) => {
    const action = {
      ArrowLeft: () => camera.turn(5, 0),
      ArrowRight: () => camera.turn(-5, 0),
      ArrowUp: () => camera.turn(0, -5),
      ArrowDown: () => camera.turn(0, 5),
      "+": () => camera.magnify(1.15),
      "-": () => camera.magnify(1 / 1.15),
      Home: () => camera.reset(),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    change(action);
  });
}
