const SLOP = 6; // pixels a finger may wander in a tap

// Pointer dragging: `move` while it lasts, then `end`; or `tap` if the pointer hardly moved.
// With `sideways`, a finger that begins to go up or down is left to scroll the page.
function drag(element, { skip, sideways, move, end, tap }) {
  element.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || skip?.(down)) return;
    let moved = false;
    let last = down;
    const onMove = (event) => {
      if (event.pointerId !== down.pointerId) return;
      const [across, along] = [event.clientX - down.clientX, event.clientY - down.clientY].map(Math.abs);
      const began = !moved && Math.hypot(across, along) > SLOP;
      if (began && sideways && event.pointerType === "touch" && along > across) return stop.abort();
      moved ||= began;
      if (moved) move(event, last);
      last = event;
    };
    const stop = new AbortController();
    const on = (name, listener) => window.addEventListener(name, listener, { signal: stop.signal });
    on("pointermove", onMove);
    on("pointerup", (event) => {
      if (event.pointerId !== down.pointerId) return;
      stop.abort();
      if (moved) end?.(event);
      else tap?.(event);
    });
    on("pointercancel", (event) => event.pointerId === down.pointerId && stop.abort());
  });
}
