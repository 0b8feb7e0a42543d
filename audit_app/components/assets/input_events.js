// Keys and the mouse: what they mean is decided by the keymap and the reducer.

import { keyOf } from "./keymap.js";
import { boutAt } from "./state.js";

/** Add the listeners of a page; aborting what it returns removes them. */
export function addListeners(page) {
  const ending = new AbortController();
  const { signal } = ending;
  const on = (target, name, act, options = {}) => target.addEventListener(name, act, { signal, ...options });
  on(window, "keydown", (event) => keydown(page, event), { capture: true });
  // Before the outbox hears of it: a stroke that is under way is sent as far as it came.
  on(window, "pagehide", () => page.dispatch({ type: "close" }), { capture: true });
  on(document, "visibilitychange", () => {
    if (document.visibilityState === "hidden") page.dispatch({ type: "close" });
    else page.refresh();
  }, { capture: true });
  on(window, "resize", () => page.measure());
  // A button that was clicked must not take the next press of Space.
  on(page.parts.root, "pointerup", (event) => { if (event.target.closest?.("button")) page.parts.canvas.focus({ preventScroll: true }); });
  addStageListeners(page, on);
  addTrackListeners(page, on);
  return ending;
}

function addStageListeners(page, on) {
  const { canvas } = page.parts;
  on(canvas, "wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    page.stage.zoomBy(Math.exp(-event.deltaY * 0.0015), { x: event.clientX - box.left, y: event.clientY - box.top });
    page.refresh();
  }, { passive: false });
  let from = null;
  on(canvas, "pointerdown", (event) => { from = event; canvas.setPointerCapture(event.pointerId); });
  on(canvas, "pointermove", (event) => {
    if (!from) return;
    page.stage.panBy(event.clientX - from.clientX, event.clientY - from.clientY);
    from = event;
    page.refresh();
  });
  on(canvas, "pointerup", () => { from = null; });
  on(canvas, "dblclick", () => page.page("fit"));
}

function addTrackListeners(page, on) {
  const { slider } = page.parts;
  const frameOf = (event) => page.tracks.frameAt(event.clientX - slider.getBoundingClientRect().left);
  let from = null;
  let dragging = false;
  on(slider, "pointerdown", (event) => {
    if (event.button !== 0) return;
    slider.setPointerCapture(event.pointerId);
    from = frameOf(event);
    page.dispatch({ type: "goto", place: from });
  });
  on(slider, "pointermove", (event) => {
    if (from === null) return;
    const to = frameOf(event);
    if (to !== from || dragging) {
      dragging = true;
      page.dispatch({ type: "select", from, to });
    }
  });
  const end = () => { from = null; dragging = false; };
  on(slider, "pointerup", (event) => {
    if (!dragging && from !== null) chooseSegment(page, frameOf(event));
    end();
  });
  on(slider, "pointercancel", end);
  on(slider, "dblclick", (event) => {
    const [first, last] = boutAt(page.state.codes, frameOf(event));
    page.dispatch({ type: "select", from: first, to: last });
  });
}

/** A click inside another suspect segment makes it the one that Enter decides; the cursor stays where the click was. */
function chooseSegment(page, place) {
  const found = page.state.clip.segments.findIndex((s) => s.first <= place && place <= s.last);
  if (found < 0 || found === page.state.segment) return;
  page.dispatch({ type: "to_segment", place: found });
  page.dispatch({ type: "goto", place });
}

function keydown(page, event) {
  const target = event.composedPath()[0];
  if (target.closest?.("input, textarea, select, [contenteditable]") || page.parts.root.querySelector("dialog[open]")) return;
  if (!page.parts.root.isConnected) return;
  const inside = event.composedPath().includes(page.parts.root);
  const activates = ["Enter", "Space", "NumpadEnter"].includes(event.code);
  const focused = target instanceof Element && target.matches(":focus-visible");
  if (activates && focused && target.closest("button, a, summary, [role=button], [role=option], [role=tab]")) return;
  if (!inside && focused && target.closest("[role=radio], [role=tab], [role=slider], [role=option], [role=menuitem], [role=grid], canvas")) return;
  const action = page.keys.byKey.get(keyOf(event));
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  if (!event.repeat || action.repeats) page.run(action.id, event.timeStamp);
}
