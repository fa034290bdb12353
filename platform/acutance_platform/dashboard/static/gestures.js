// Wheel, drag, pinch and the swiped edge, on the canvases of a viewer's stage.

/** Let a viewer follow the pointer. */
export function follow(viewer) {
  const { stage } = viewer;
  const pointers = new Map();
  let wheel = 0;
  let pinched = 0;
  let swiping = false;

  const onCanvas = (event) => event.target.tagName === "CANVAS";
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  const middle = () => {
    const [a, b] = [...pointers.values()];
    return { clientX: (a.x + b.x) / 2, clientY: (a.y + b.y) / 2 };
  };

  stage.addEventListener("wheel", (event) => {
    if (!onCanvas(event)) return;
    event.preventDefault();
    wheel += event.deltaMode ? event.deltaY * 40 : event.deltaY;
    if (Math.abs(wheel) < (event.ctrlKey ? 8 : 40)) return;
    viewer.zoomBy(wheel < 0 ? 1 : -1, viewer.place(event, event.target));
    wheel = 0;
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    if (!onCanvas(event) || event.button > 0) return;
    event.target.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    pinched = spread();
    const box = event.target.getBoundingClientRect();
    const edge = box.left + box.width * viewer.split;
    swiping = viewer.mode === "swipe" && Math.abs(event.clientX - edge) < 16;
  });

  stage.addEventListener("pointermove", (event) => {
    if (!onCanvas(event)) return;
    const before = pointers.get(event.pointerId);
    if (before) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (before && pointers.size === 2) {
      // Two fingers hold what is between them: half of what one moves.
      viewer.drag((event.clientX - before.x) / 2, (event.clientY - before.y) / 2);
      const ratio = spread() / (pinched || 1);
      if (ratio > 0.625 && ratio < 1.6) return;
      viewer.zoomBy(ratio > 1 ? 1 : -1, viewer.place(middle(), event.target));
      pinched = spread();
    } else if (before && swiping) {
      const box = event.target.getBoundingClientRect();
      viewer.swipe((event.clientX - box.left) / box.width);
    } else {
      if (before) viewer.drag(event.clientX - before.x, event.clientY - before.y);
      const { x, y } = viewer.place(event, event.target);
      viewer.pointAt({ x: Math.floor(x), y: Math.floor(y) });
    }
  });

  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      swiping = false;
    });
  }
  stage.addEventListener("pointerleave", () => viewer.pointAt(null));
}
