// The state of the labeller: how it starts, and what can be read from it.

import { EXCLUDED, NOT_REVIEWED, UNSURE, lowerBound, replay, upperBound } from "./operations.js";

/** A probability or quality of 1, as the page gets it. */
export const FULL = 250;

/** Return the state in which a clip opens. `clip` holds frameNumbers, given, suggested, segments, classes, window. */
export function opened(clip, { operations = [], segmentId = null, reviewer = "", step = 10, speed = 1 } = {}) {
  const segments = clip.segments.map((segment) => ({
    ...segment,
    first: Math.min(lowerBound(clip.frameNumbers, segment.start), clip.frameNumbers.length - 1),
    last: Math.max(upperBound(clip.frameNumbers, segment.end) - 1, 0),
  }));
  const at = segments.findIndex((segment) => segment.segment_id === segmentId);
  const segment = at >= 0 ? at : segments.length ? 0 : -1;
  const window = clip.window ? places(clip.frameNumbers, clip.window) : null;
  return {
    clip: { ...clip, segments },
    reviewer,
    step,
    operations,
    codes: replay(operations, clip.frameNumbers),
    open: null,
    cursor: window ? window[0] : segmentId !== null && at >= 0 ? segments[at].first : 0,
    mark: window ? { anchor: window[0], end: window[1] } : null,
    pen: null,
    lastCode: null,
    asking: null,
    segment,
    playing: false,
    until: null,
    speed,
    effects: [],
  };
}

/** Return the selected range as [first, last] index, or null. */
export function selection(state) {
  if (!state.mark) return null;
  const end = state.mark.end ?? state.cursor;
  return [Math.min(state.mark.anchor, end), Math.max(state.mark.anchor, end)];
}

/** Return "open" or "decided" for a segment: decided once every frame of it was reviewed. */
export function segmentState(state, segment) {
  for (let i = segment.first; i <= segment.last; i += 1) if (state.codes[i] === NOT_REVIEWED) return "open";
  return "decided";
}

/** Tell whether every segment of the clip is decided, leaving one out of account. */
export function allDecidedBut(state, place) {
  return state.clip.segments.every((segment, i) => i === place || segmentState(state, segment) === "decided");
}

/**
 * Return what Enter does now; the card shows just that.
 *
 * `kind`: "accept" (give `code` to the frames without a label from `first` to `last`), "replace" (give it to all of them, in place
 * of labels of the reviewer's own: asked first), "next" (all is decided: go on), "nothing" (no suggestion here) or "done" (a stretch
 * without segments: go on once all of it has a label). `code` and `probability` (0 to 1) are the suggestion that is shown, -1 where
 * there is none; `scope` says in words what it is about; `open` and `own` count the frames without a label of the reviewer's, and
 * those with another than `code`.
 */
export function offer(state) {
  const { clip, codes, cursor, segment: place } = state;
  const segment = clip.segments[place];
  const range = selection(state);
  const suggestion = suggestionFor(clip, segment, range || !segment ? cursor : segment.first);
  if (clip.window || !(segment || range)) return { ...suggestion, kind: "done", scope: "frame" };
  const [first, last] = range ?? [segment.first, segment.last];
  let open = 0;
  let own = 0;
  for (let i = first; i <= last; i += 1) {
    if (codes[i] === NOT_REVIEWED) open += 1;
    else if (codes[i] !== suggestion.code) own += 1;
  }
  const whole = { ...suggestion, first, last, open, own };
  if (range) return { ...whole, scope: "marked range", kind: suggestion.code < 0 ? "nothing" : own ? "replace" : "accept" };
  if (!open) return { ...whole, scope: "segment", kind: "next" };
  return { ...whole, scope: open <= last - first ? "rest of the segment" : "segment", kind: "accept" };
}

/** Inside the segment its own suggestion holds, whatever single windows of it say. */
function suggestionFor(clip, segment, place) {
  if (segment && place >= segment.first && place <= segment.last) return { code: segment.suggested, probability: segment.probability };
  if (!clip.suggested) return { code: -1, probability: 0 };
  return { code: clip.suggested[place], probability: clip.probability[place] / FULL };
}

/** Return a code in words. */
export function nameOf(state, code) {
  if (code >= 0) return state.clip.classes[code]?.name ?? "?";
  return { [NOT_REVIEWED]: "not reviewed", [UNSURE]: "unsure", [EXCLUDED]: "excluded" }[code] ?? "?";
}

/** Return what an operation did, in words. */
export function describe(state, operation) {
  if (!operation || !operation.spans.length) return "an act";
  const [start, , code] = operation.spans[0];
  const end = operation.spans[operation.spans.length - 1][1];
  const frames = start === end ? `frame ${start}` : `frames ${start} to ${end}`;
  return code === null ? `the note on ${frames}` : `${nameOf(state, code)} on ${frames}`;
}

/** Return first and last index of the run of equal codes around a place. */
export function boutAt(codes, place) {
  let first = place;
  let last = place;
  while (first > 0 && codes[first - 1] === codes[place]) first -= 1;
  while (last + 1 < codes.length && codes[last + 1] === codes[place]) last += 1;
  return [first, last];
}

/** Return first and last index of a span of frame numbers. */
export function places(frameNumbers, [start, end]) {
  const first = Math.min(lowerBound(frameNumbers, start), frameNumbers.length - 1);
  return [first, Math.max(upperBound(frameNumbers, end) - 1, first)];
}

/** Return a range of indices as frames, in words. */
export function spanText(state, first, last) {
  const { frameNumbers } = state.clip;
  return first === last ? `frame ${frameNumbers[first]}` : `frames ${frameNumbers[first]} to ${frameNumbers[last]}`;
}
