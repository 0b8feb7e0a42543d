// What the labeller knows and how every act changes it. No DOM, no clock, no network: node tests this file as it is.
//
// `reduce(state, action)` returns the next state. What the outside must do (save an operation, leave the clip, say something)
// is listed in `state.effects` of that one step.

import { EXCLUDED, NOT_REVIEWED, UNSURE, inForce, lowerBound, redoable, replay, runs, undoable, upperBound } from "./operations.js";
import { boutAt, describe, nameOf, offer, places, segmentState, selection, spanText } from "./state.js";

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 3, 4];

/** Make the reducer; `newId` and `now` give identifiers and times of operations. */
export function reducerWith({ newId, now }) {
  const operation = (parts) => ({ operation_id: newId(), at: now(), spans: [], undoes: null, note: null, ...parts });

  function add(state, made, { open = null } = {}) {
    const operations = [...state.operations, made];
    return withEffect({ ...state, operations, open: open && { ...open, id: made.operation_id } }, { kind: "add", operation: made, open: Boolean(open) });
  }

  function closed(state) {
    return state.open ? withEffect({ ...state, open: null }, { kind: "close" }) : state;
  }

  /** Paint places first..last. With `stroke`, an operation of the same stroke that touches them grows instead. */
  function painted(state, first, last, code, { stroke = null } = {}) {
    const { frameNumbers } = state.clip;
    const newest = state.operations[state.operations.length - 1];
    if (stroke && state.open && state.open.stroke === stroke && newest.operation_id === state.open.id) {
      const span = newest.spans[0];
      const a = lowerBound(frameNumbers, span[0]);
      const b = upperBound(frameNumbers, span[1]) - 1;
      if (span[2] === code && first <= b + 1 && last >= a - 1) {
        const low = Math.min(a, first);
        const high = Math.max(b, last);
        if (low === a && high === b) return state;
        const grown = { ...newest, spans: [[frameNumbers[low], frameNumbers[high], code]] };
        const operations = [...state.operations.slice(0, -1), grown];
        return withEffect({ ...state, operations, codes: filled(state.codes, low, high, code) }, { kind: "grow", operation: grown });
      }
    }
    const base = closed(state);
    if (!changes(base.codes, first, last, code)) return base;
    const made = operation({ spans: [[frameNumbers[first], frameNumbers[last], code]] });
    return add({ ...base, codes: filled(base.codes, first, last, code) }, made, { open: stroke ? { stroke } : null });
  }

  function moved(state, to, { paints = false } = {}) {
    const cursor = clamp(to, 0, state.codes.length - 1);
    const pen = state.pen;
    let next = { ...state, cursor };
    if (pen && paints) {
      next = painted(next, Math.min(state.cursor, cursor), Math.max(state.cursor, cursor), pen.code, { stroke: `pen ${pen.serial}` });
    } else if (pen && cursor !== state.cursor) {
      next = { ...closed(next), pen: { ...pen, serial: pen.serial + 1 } };
    }
    return next;
  }

  function paintClass(state, code) {
    if (code >= state.clip.classes.length) return withMessage(state, "No class has this key.");
    const next = { ...state, lastCode: code };
    if (state.pen) {
      const pen = { code, serial: state.pen.serial + 1 };
      return withMessage(painted({ ...next, pen }, state.cursor, state.cursor, code, { stroke: `pen ${pen.serial}` }), `Pen paints ${nameOf(state, code)}.`);
    }
    const range = selection(state) ?? [state.cursor, state.cursor];
    return withMessage({ ...painted(next, ...range, code), mark: null }, `${nameOf(state, code)}: ${spanText(state, ...range)}.`);
  }

  /** A, U and X: over the selection, else over the segment and on to the next, else over the frame. */
  function decide(state, codeAt, word) {
    const range = selection(state);
    const segment = state.clip.segments[state.segment];
    const [first, last] = range ?? (segment ? [segment.first, segment.last] : [state.cursor, state.cursor]);
    const wanted = Int16Array.from({ length: last - first + 1 }, (_, i) => codeAt(first + i));
    if (wanted.every((code) => code === NOT_REVIEWED)) {
      return withMessage(closed(state), `Nobody labelled ${spanText(state, first, last)}: no given label could be right.`);
    }
    const next = withMessage({ ...laid(closed(state), first, wanted), mark: null }, `${word}: ${spanText(state, first, last)}.`);
    return !range && segment ? goOn(next) : next;
  }

  /** Lay codes over the frames from `first` on, in one operation; where a code is that of no label, a frame stays as it is. */
  function laid(state, first, wanted) {
    const { frameNumbers } = state.clip;
    const spans = runs(wanted).filter(([, , code]) => code !== NOT_REVIEWED);
    if (!spans.some(([a, b, code]) => changes(state.codes, first + a, first + b, code))) return state;
    const codes = spans.reduce((laid, [a, b, code]) => laid.fill(code, first + a, first + b + 1), state.codes.slice());
    return add({ ...state, codes }, operation({ spans: spans.map(([a, b, code]) => [frameNumbers[first + a], frameNumbers[first + b], code]) }));
  }

  /** Enter: what `offer` says. Labels that the reviewer gave are replaced only after asking. */
  function accept(state, { asked }) {
    const does = offer(state);
    if (does.kind === "done") return leaveIfDone(state);
    if (does.kind === "nothing") return withMessage(state, `There is no suggestion for ${spanText(state, does.first, does.last)}: choose a class.`);
    if (asked && ["first", "last", "code"].every((key) => asked[key] === does[key])) return replaced(state, does);
    if (does.kind === "next") return goOn(withMessage(state, "All of this segment was decided: nothing changed."));
    return does.kind === "replace" ? ask(state, does) : accepted(state, does);
  }

  /** Give the suggestion to the frames of the offer that have no label yet; a segment leads on, a marked range stays. */
  function accepted(state, { first, last, code, scope }) {
    const wanted = state.codes.slice(first, last + 1).map((own) => (own === NOT_REVIEWED ? code : NOT_REVIEWED));
    const next = withMessage({ ...laid(closed(state), first, wanted), mark: null, lastCode: code }, `${nameOf(state, code)}: ${scope}, ${spanText(state, first, last)}.`);
    return scope === "marked range" ? next : goOn(next);
  }

  /** Say what of the reviewer's own would be replaced, and wait for a second Enter. */
  function ask(state, { first, last, code, own }) {
    const frames = own === 1 ? "1 frame has a label of yours" : `${own} frames have labels of yours`;
    return withMessage({ ...state, asking: { first, last, code, own } }, `${frames}. Enter again replaces with ${nameOf(state, code)}; Esc keeps yours.`);
  }

  /** Lay the suggestion over what the reviewer decided, after asking. */
  function replace(state) {
    const does = offer(state);
    if (does.kind === "done" || does.code < 0) return withMessage(state, "There is no suggestion here.");
    return does.own ? ask(state, does) : accept(state, { asked: null });
  }

  function replaced(state, { first, last, code, scope }) {
    const next = painted(closed(state), first, last, code);
    const done = withMessage({ ...next, mark: null, lastCode: code }, `${nameOf(state, code)} in place of yours: ${spanText(state, first, last)}.`);
    return scope === "marked range" ? done : goOn(done);
  }

  function leaveIfDone(state) {
    const [first, last] = state.clip.window ? places(state.clip.frameNumbers, state.clip.window) : [0, state.codes.length - 1];
    const missing = state.codes.subarray(first, last + 1).includes(NOT_REVIEWED);
    return missing ? withMessage(state, "Frames are left without a label: give one, or mark them unsure (U).") : leave(state, "next");
  }

  /** Go to the next segment of the clip that is open, else ask for the next of the queue. */
  function goOn(state) {
    const { segments } = state.clip;
    for (let i = 1; i < segments.length; i += 1) {
      const place = (state.segment + i) % segments.length;
      if (segmentState(state, segments[place]) === "open") return atSegment(state, place);
    }
    return leave(state, "next");
  }

  function atSegment(state, place) {
    const segment = state.clip.segments[place];
    return { ...lifted(state), segment: place, cursor: segment.first, mark: null, playing: false, until: null };
  }

  function otherSegment(state, by) {
    const place = state.segment + by;
    if (state.segment >= 0 && place >= 0 && place < state.clip.segments.length) {
      return withMessage(atSegment(state, place), `Segment ${place + 1} of ${state.clip.segments.length} in this clip.`);
    }
    return leave(state, by > 0 ? "next" : "previous");
  }

  function leave(state, go) {
    const from = state.clip.segments[state.segment]?.segment_id ?? null;
    return withEffect({ ...lifted(state), playing: false, until: null }, { kind: "go", go, from });
  }

  function lifted(state) {
    return closed({ ...state, pen: null });
  }

  /** Take an act back: the one that is named, else the newest of this clip. */
  function undo(state, { id }) {
    return turned(closed(state), { id, newest: undoable, word: "undo", said: "Undone", actOf: (target) => target });
  }

  function redo(state, { id }) {
    return turned(closed(state), {
      id, newest: redoable, word: "redo", said: "Redone", actOf: (target) => state.operations.find((o) => o.operation_id === target.undoes),
    });
  }

  function turned(state, { id, newest, word, said, actOf }) {
    const target = id ? inForce(state.operations, id) : newest(state.operations, state.reviewer);
    if (!target && !id) return withMessage(state, `Nothing to ${word}.`);
    if (!target) return withEffect(withMessage(state, "That act is not in force any more: it was taken back elsewhere."), { kind: "forget", id });
    const act = actOf(target);
    const added = add(state, operation({ undoes: target.operation_id }));
    const codes = replay(added.operations, state.clip.frameNumbers);
    // The eye goes where something changed, unless it is in view already.
    const [first, last] = places(state.clip.frameNumbers, [act.spans[0]?.[0] ?? 0, act.spans[act.spans.length - 1]?.[1] ?? 0]);
    const cursor = act.spans.length && (state.cursor < first || state.cursor > last) ? first : state.cursor;
    // What Enter means goes along: the segment that the act was about, where that is another one.
    const over = (segment) => segment && act.spans.length > 0 && first <= segment.last && last >= segment.first;
    const { segments } = state.clip;
    const segment = over(segments[state.segment]) || !segments.some(over) ? state.segment : segments.findIndex(over);
    return withMessage({ ...added, codes, cursor, segment, mark: null, pen: null }, `${said}: ${describe(state, act)}.`);
  }

  /** Move an edge of the bout under the cursor. `edge`: -1 its start, 1 its end; `grow`: into the neighbour, or back. */
  function nudge(state, edge, grow) {
    const { codes } = state;
    const code = codes[state.cursor];
    if (code === NOT_REVIEWED) return withMessage(state, "Go to a bout of yours first: this frame is not reviewed.");
    let [first, last] = boutAt(codes, state.cursor);
    const stroke = `nudge ${edge} ${grow} ${code}`;
    if (grow) {
      const place = edge < 0 ? first - 1 : last + 1;
      if (place < 0 || place >= codes.length) return withMessage(state, "The clip ends here.");
      return painted(state, place, place, code, { stroke });
    }
    if (first === last) return withMessage(state, "The bout has one frame only.");
    const place = edge < 0 ? first : last;
    const beyond = edge < 0 ? codes[first - 1] : codes[last + 1];
    const next = painted(state, place, place, beyond ?? NOT_REVIEWED, { stroke });
    first += edge < 0 ? 1 : 0;
    last -= edge < 0 ? 0 : 1;
    return { ...next, cursor: clamp(state.cursor, first, last) };
  }

  function toEdge(state, edge) {
    const edges = new Set([edge < 0 ? 0 : state.codes.length - 1]);
    for (const [first, last] of runs(state.codes)) edges.add(edge < 0 ? first : last);
    for (const segment of state.clip.segments) edges.add(edge < 0 ? segment.first : segment.last);
    const beyond = [...edges].filter((e) => (edge < 0 ? e < state.cursor : e > state.cursor));
    return moved(state, beyond.length ? (edge < 0 ? Math.max(...beyond) : Math.min(...beyond)) : state.cursor);
  }

  function mark(state) {
    if (state.mark && state.mark.end === null) return withMessage({ ...state, mark: { ...state.mark, end: state.cursor } }, `Marked ${spanText(state, ...selection(state))}.`);
    return withMessage({ ...state, mark: { anchor: state.cursor, end: null } }, "Mark set: step or play to the other end, then choose a class.");
  }

  function pen(state) {
    if (state.pen) return withMessage(lifted(state), "Pen up.");
    const code = state.lastCode ?? Math.max(state.clip.given?.[state.cursor] ?? 0, 0);
    return withMessage({ ...state, pen: { code, serial: state.operations.length }, mark: null }, `Pen down: stepping and playing paint ${nameOf(state, code)}.`);
  }

  function note(state, text) {
    const [first, last] = selection(state) ?? [state.cursor, state.cursor];
    const { frameNumbers } = state.clip;
    const made = operation({ spans: [[frameNumbers[first], frameNumbers[last], null]], note: text });
    return withMessage({ ...add(closed(state), made), mark: null }, "Note kept.");
  }

  function play(state, { segment = false } = {}) {
    if (state.playing) return { ...state, playing: false, until: null };
    const own = state.clip.segments[state.segment];
    const range = segment ? (selection(state) ?? (own ? [own.first, own.last] : null)) : null;
    const end = range ? range[1] : state.codes.length - 1;
    const cursor = range ? range[0] : state.cursor >= end ? 0 : state.cursor;
    return { ...state, playing: true, until: end, cursor };
  }

  function tick(state, to) {
    if (!state.playing) return state;
    const end = state.until ?? state.codes.length - 1;
    const next = moved(state, Math.min(to, end), { paints: true });
    return next.cursor >= end ? { ...next, playing: false, until: null } : next;
  }

  function faster(state, by) {
    const place = clamp(SPEEDS.indexOf(state.speed) + by, 0, SPEEDS.length - 1);
    return withMessage({ ...state, speed: SPEEDS[place] }, `Speed ${SPEEDS[place]}.`);
  }

  function clear(state) {
    const range = selection(state) ?? [state.cursor, state.cursor];
    return withMessage({ ...painted(state, ...range, NOT_REVIEWED), mark: null }, `Not reviewed: ${spanText(state, ...range)}.`);
  }

  const givenAt = (state) => (place) => state.clip.given[place];
  const other = (state) => state.clip.classes.findIndex((c) => c.name === "other");
  const stopped = (state) => (state.playing ? { ...state, playing: false, until: null } : state);

  const acts = {
    step: (state, { by }) => moved(stopped(state), state.cursor + by, { paints: true }),
    goto: (state, { place }) => moved(stopped(state), place),
    tick: (state, { place }) => tick(state, place),
    play: (state) => play(state),
    play_segment: (state) => play(state, { segment: true }),
    speed: (state, { by }) => faster(state, by),
    paint: (state, { code }) => paintClass(state, code),
    other: (state) => paintClass(state, other(state)),
    clear,
    accept,
    replace,
    given_right: (state) => (state.clip.given ? decide(state, givenAt(state), "Given label right") : withMessage(state, "Blind: the given label is hidden.")),
    unsure: (state) => decide(state, () => UNSURE, "Unsure"),
    exclude: (state) => decide(state, () => EXCLUDED, "Excluded"),
    mark,
    select: (state, { from, to }) => ({ ...lifted(stopped(state)), mark: { anchor: from, end: to }, cursor: to }),
    cancel: (state, { asked }) => {
      if (asked) return withMessage(state, "Kept as it was.");
      return state.pen ? withMessage(lifted(state), "Pen up.") : { ...stopped(state), mark: null };
    },
    pen,
    segment: (state, { by }) => otherSegment(state, by),
    to_segment: (state, { place }) => atSegment(state, place),
    edge: (state, { edge }) => toEdge(stopped(state), edge),
    nudge: (state, { edge, grow }) => nudge(stopped(state), edge, grow),
    undo,
    redo,
    note: (state, { text }) => note(state, text),
    leave: (state, { go }) => leave(state, go),
    close: closed,
    restored: (state, { operations }) => ({
      ...state, operations, open: null, pen: null, codes: replay(operations, state.clip.frameNumbers),
    }),
  };

  return (state, action) => {
    const act = acts[action.type];
    if (!act) throw new Error(`no act ${action.type}`);
    // A question holds for the very next act; what the clock does is none.
    const goesBy = action.type === "tick" || action.type === "close";
    return act({ ...state, effects: [], asking: goesBy ? state.asking : null }, { ...action, asked: state.asking });
  };
}

function changes(codes, first, last, code) {
  for (let i = first; i <= last; i += 1) if (codes[i] !== code) return true;
  return false;
}

function filled(codes, first, last, code) {
  const copy = codes.slice();
  copy.fill(code, first, last + 1);
  return copy;
}

function withEffect(state, effect) {
  return { ...state, effects: [...state.effects, effect] };
}

function withMessage(state, text) {
  return withEffect(state, { kind: "say", text });
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
