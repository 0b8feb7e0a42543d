import assert from "node:assert/strict";
import { test } from "node:test";

import { replay } from "../../../../audit_app/components/assets/operations.js";
import { reducerWith } from "../../../../audit_app/components/assets/reducer.js";
import { allDecidedBut, offer, opened, segmentState, selection } from "../../../../audit_app/components/assets/state.js";

const CLASSES = ["SIT", "WALK", "LIE", "other"].map((name) => ({ name, colour: "#000000" }));

function clip(parts = {}) {
  return {
    classes: CLASSES,
    frameNumbers: Int32Array.from({ length: 30 }, (_, i) => 100 + i),
    times: Int32Array.from({ length: 30 }, (_, i) => i * 33),
    given: new Int16Array(30).fill(0),
    suggested: new Int16Array(30).fill(1),
    probability: new Uint8Array(30).fill(200),
    segments: [
      { segment_id: "one", start: 105, end: 109, suggested: 1 },
      { segment_id: "two", start: 120, end: 124, suggested: 2 },
    ],
    window: null,
    ...parts,
  };
}

let made = 0;

function page(parts = {}, options = {}) {

  const reduce = reducerWith({ newId: () => `id${(made += 1)}`, now: () => "2026-11-25T00:00:00.000Z" });
  const shown = { state: opened(clip(parts), { reviewer: "kim", ...options }), effects: [] };
  shown.do = (type, more = {}) => {
    shown.state = reduce(shown.state, { type, ...more });
    shown.effects.push(...shown.state.effects);
    // What is shown is always what the operations say: the invariant that saving rests on.
    assert.deepEqual([...shown.state.codes], [...replay(shown.state.operations, shown.state.clip.frameNumbers)]);
    return shown.state;
  };
  shown.painted = (first, last) => [...shown.state.codes.slice(first, last + 1)];
  shown.gone = () => shown.effects.filter((e) => e.kind === "go").map((e) => e.go);
  return shown;
}

const told = ({ kind, code, probability, scope }) => [kind, code, probability, scope];

test("what is offered is the segment's suggestion, wherever the cursor stands; a marked range elsewhere has its own", () => {
  const segments = [{ segment_id: "one", start: 105, end: 109, suggested: 2, probability: 0.69 }];
  const p = page({ segments, probability: new Uint8Array(30).fill(125) });
  for (const place of [7, 12]) assert.deepEqual(told(offer(p.do("goto", { place }))), ["accept", 2, 0.69, "segment"]);
  p.do("select", { from: 11, to: 12 });
  assert.deepEqual(told(offer(p.state)), ["accept", 1, 0.5, "marked range"]);
  p.do("select", { from: 6, to: 7 });
  assert.deepEqual(told(offer(p.state)), ["accept", 2, 0.69, "marked range"]);
});

test("Enter over a marked range accepts what is shown there, and stays", () => {
  const p = page({ probability: new Uint8Array(30).fill(125) }, { segmentId: "one" });
  p.do("select", { from: 12, to: 14 });
  p.do("accept");
  assert.deepEqual(p.painted(4, 15), [-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, -1]);
  assert.equal(p.state.segment, 0);
  assert.equal(selection(p.state), null);
  const bare = page({ suggested: new Int16Array(30).fill(-1), probability: new Uint8Array(30) }, { segmentId: "one" });
  bare.do("select", { from: 12, to: 14 });
  bare.do("accept");
  assert.equal(bare.state.operations.length, 0);
});

test("Enter goes on from a segment that was painted by hand, and changes nothing of it", () => {
  const p = page({}, { segmentId: "one" });
  p.do("select", { from: 5, to: 9 });
  p.do("paint", { code: 3 });
  assert.equal(offer(p.state).kind, "next");
  p.do("accept");
  assert.deepEqual(p.painted(5, 9), [3, 3, 3, 3, 3]);
  assert.equal(p.state.segment, 1);
  p.do("accept");
  assert.deepEqual(p.gone(), ["next"]);
  p.do("accept");
  assert.deepEqual(p.gone(), ["next", "next"]);
  assert.equal(p.state.operations.length, 2);
});

test("Enter gives the rest of a segment its suggestion, and leaves what was painted, unsure or excluded in it", () => {
  const p = page({}, { segmentId: "one" });
  p.do("select", { from: 5, to: 6 });
  p.do("paint", { code: 3 });
  p.do("select", { from: 7, to: 7 });
  p.do("unsure");
  assert.equal(offer(p.state).scope, "rest of the segment");
  p.do("accept");
  assert.deepEqual(p.painted(4, 10), [-1, 3, 3, -2, 1, 1, -1]);
  p.do("undo");
  assert.deepEqual(p.painted(4, 10), [-1, 3, 3, -2, -1, -1, -1]);
});

test("labels of one's own are replaced only when asked twice; any other act takes the question back", () => {
  const p = page({}, { segmentId: "one" });
  p.do("select", { from: 5, to: 9 });
  p.do("paint", { code: 3 });
  for (const other of [["cancel"], ["step", { by: 1 }], ["mark"], ["goto", { place: 0 }]]) {
    p.do("select", { from: 5, to: 9 });
    p.do("accept");
    assert.equal(p.state.asking?.own ?? null, 5);
    p.do(...other);
    assert.equal(p.state.asking, null);
    p.do("cancel");
  }
  assert.deepEqual(p.painted(5, 9), [3, 3, 3, 3, 3]);
  p.do("select", { from: 5, to: 9 });
  p.do("accept");
  p.do("close");
  p.do("accept");
  assert.deepEqual(p.painted(4, 10), [-1, 1, 1, 1, 1, 1, -1]);
  assert.equal(p.state.segment, 0);
});

test("after undo Enter is about the segment whose act was taken back", () => {
  const p = page({}, { segmentId: "one" });
  p.do("accept");
  assert.equal(p.state.segment, 1);
  p.do("undo");
  assert.equal(p.state.segment, 0);
  assert.equal(p.state.cursor, p.state.clip.segments[0].first);
});

test("laying the suggestion over a decided segment asks, then goes on", () => {
  const p = page({}, { segmentId: "one" });
  p.do("given_right");
  p.do("to_segment", { place: 0 });
  p.do("replace");
  assert.deepEqual(p.painted(5, 9), [0, 0, 0, 0, 0]);
  p.do("accept");
  assert.deepEqual(p.painted(5, 9), [1, 1, 1, 1, 1]);
  assert.equal(p.state.segment, 1);
});

test("where nobody labelled, no given label is right; where somebody did, A keeps just that", () => {
  const p = page({ given: new Int16Array(30).fill(-1).fill(2, 7, 9) }, { segmentId: "two" });
  p.do("given_right");
  assert.equal(p.state.operations.length, 0);
  p.do("to_segment", { place: 0 });
  p.do("given_right");
  assert.deepEqual(p.painted(5, 9), [-1, -1, 2, 2, -1]);
});

test("a clip is done when all its segments are, but for the one in hand", () => {
  const p = page();
  assert.equal(allDecidedBut(p.state, 0), false);
  p.do("to_segment", { place: 1 });
  p.do("unsure");
  assert.equal(allDecidedBut(p.state, 0), true);
  assert.equal(allDecidedBut(p.state, 1), false);
});

test("thirty steps are thirty frames, and the clip's ends hold", () => {
  const p = page();
  for (let i = 0; i < 29; i += 1) p.do("step", { by: 1 });
  assert.equal(p.state.cursor, 29);
  assert.equal(p.do("step", { by: 1 }).cursor, 29);
  assert.equal(p.do("step", { by: -1000 }).cursor, 0);
});

test("a class paints the frame, or the marked range and then drops the mark", () => {
  const p = page();
  p.do("paint", { code: 1 });
  assert.deepEqual(p.painted(0, 2), [1, -1, -1]);
  p.do("goto", { place: 5 });
  p.do("mark");
  p.do("step", { by: 3 });
  assert.deepEqual(selection(p.state), [5, 8]);
  p.do("paint", { code: 2 });
  assert.deepEqual(p.painted(4, 9), [-1, 2, 2, 2, 2, -1]);
  assert.equal(selection(p.state), null);
});

test("a mark can be fixed at both ends, in either order, and cancelled", () => {
  const p = page();
  p.do("goto", { place: 9 });
  p.do("mark");
  p.do("goto", { place: 4 });
  p.do("mark");
  p.do("goto", { place: 20 });
  assert.deepEqual(selection(p.state), [4, 9]);
  p.do("cancel");
  assert.equal(selection(p.state), null);
});

test("Enter accepts over the segment and goes on; after the last it asks for the next of the queue", () => {
  const p = page({}, { segmentId: "one" });
  assert.equal(p.state.cursor, 5);
  p.do("accept");
  assert.deepEqual(p.painted(4, 10), [-1, 1, 1, 1, 1, 1, -1]);
  assert.equal(p.state.segment, 1);
  assert.equal(p.state.cursor, 20);
  p.do("accept");
  assert.deepEqual(p.gone(), ["next"]);
  assert.equal(segmentState(p.state, p.state.clip.segments[1]), "decided");
});

test("going on skips segments that are decided and comes back to those left open", () => {
  const p = page({}, { segmentId: "two" });
  p.do("accept");
  assert.equal(p.state.segment, 0);
  assert.deepEqual(p.gone(), []);
});

test("A, U and X decide the segment and go on, or the marked range and stay", () => {
  const p = page({}, { segmentId: "one" });
  p.do("given_right");
  assert.deepEqual(p.painted(5, 9), [0, 0, 0, 0, 0]);
  assert.equal(p.state.segment, 1);
  p.do("select", { from: 0, to: 2 });
  p.do("unsure");
  p.do("select", { from: 3, to: 3 });
  p.do("exclude");
  assert.deepEqual(p.painted(0, 4), [-2, -2, -2, -3, -1]);
  assert.equal(p.state.segment, 1);
});

test("given labels that change within the range are kept in one act", () => {
  const given = new Int16Array(30).fill(0).fill(2, 7);
  const p = page({ given }, { segmentId: "one" });
  p.do("given_right");
  assert.deepEqual(p.painted(5, 9), [0, 0, 2, 2, 2]);
  assert.equal(p.state.operations.length, 1);
  assert.equal(p.do("undo").codes[5], -1);
});

test("the pen paints every frame that is stepped or played over, as one act, also where playing skips frames", () => {
  const p = page();
  p.do("paint", { code: 2 });
  p.do("goto", { place: 10 });
  p.do("pen");
  for (let i = 0; i < 4; i += 1) p.do("step", { by: 1 });
  assert.deepEqual(p.painted(9, 15), [-1, 2, 2, 2, 2, 2, -1]);
  p.do("play");
  p.do("tick", { place: 19 });
  assert.deepEqual(p.painted(14, 20), [2, 2, 2, 2, 2, 2, -1]);
  p.do("pen");
  assert.equal(p.state.operations.length, 2);
  assert.equal(p.effects.filter((e) => e.kind === "close").length, 1);
  p.do("undo");
  assert.deepEqual(p.painted(9, 20), new Array(12).fill(-1));
});

test("a digit while the pen is down changes its class; a jump lifts the stroke without painting what lies between", () => {
  const p = page();
  p.do("pen");
  p.do("step", { by: 1 });
  p.do("paint", { code: 1 });
  p.do("step", { by: 1 });
  p.do("goto", { place: 20 });
  p.do("step", { by: 1 });
  assert.deepEqual(p.painted(0, 4), [0, 1, 1, -1, -1]);
  assert.deepEqual(p.painted(18, 22), [-1, -1, 1, 1, -1]);
});

test("edges move: Shift into the neighbour, Alt back, and presses in a row are one act", () => {
  const p = page();
  p.do("select", { from: 10, to: 14 });
  p.do("paint", { code: 1 });
  p.do("goto", { place: 12 });
  p.do("nudge", { edge: -1, grow: true });
  p.do("nudge", { edge: -1, grow: true });
  p.do("nudge", { edge: 1, grow: false });
  assert.deepEqual(p.painted(7, 15), [-1, 1, 1, 1, 1, 1, 1, -1, -1]);
  assert.equal(p.state.operations.length, 3);
  p.do("undo");
  p.do("undo");
  assert.deepEqual(p.painted(7, 15), [-1, -1, -1, 1, 1, 1, 1, 1, -1]);
});

test("a shrunk bout leaves its frame to the neighbour, and one frame is never lost", () => {
  const p = page();
  p.do("select", { from: 0, to: 4 });
  p.do("paint", { code: 2 });
  p.do("select", { from: 5, to: 5 });
  p.do("paint", { code: 1 });
  p.do("nudge", { edge: -1, grow: false });
  assert.deepEqual(p.painted(3, 6), [2, 2, 1, -1]);
  p.do("select", { from: 5, to: 7 });
  p.do("paint", { code: 1 });
  p.do("goto", { place: 5 });
  p.do("nudge", { edge: -1, grow: false });
  assert.deepEqual(p.painted(3, 8), [2, 2, 2, 1, 1, -1]);
  assert.equal(p.state.cursor, 6);
});

test("undo and redo go back and forth through everything, and reading the operations again gives the same", () => {
  const p = page();
  for (const [place, code] of [[0, 1], [1, 2], [0, 3]]) {
    p.do("goto", { place });
    p.do("paint", { code });
  }
  p.do("undo");
  assert.deepEqual(p.painted(0, 1), [1, 2]);
  p.do("undo");
  p.do("undo");
  assert.deepEqual(p.painted(0, 1), [-1, -1]);
  p.do("redo");
  p.do("redo");
  assert.deepEqual(p.painted(0, 1), [1, 2]);
  // As after a reload: a page that knows nothing but the operations.
  const again = page({}, { operations: p.state.operations });
  again.do("redo");
  assert.deepEqual(again.painted(0, 1), [3, 2]);
  again.do("undo");
  again.do("undo");
  assert.deepEqual(again.painted(0, 1), [1, -1]);
});

test("an act that would change nothing makes no operation, but goes on all the same", () => {
  const p = page({}, { segmentId: "one" });
  p.do("accept");
  p.do("to_segment", { place: 0 });
  p.do("accept");
  assert.equal(p.state.operations.length, 1);
  assert.equal(p.state.segment, 1);
});

test("clearing gives frames back to not reviewed", () => {
  const p = page();
  p.do("paint", { code: 1 });
  p.do("clear");
  assert.deepEqual(p.painted(0, 0), [-1]);
  p.do("undo");
  assert.deepEqual(p.painted(0, 0), [1]);
});

test("a note changes no frame and can be undone", () => {
  const p = page();
  p.do("select", { from: 2, to: 4 });
  p.do("note", { text: "tail hidden" });
  assert.deepEqual(p.state.operations[0].spans, [[102, 104, null]]);
  assert.equal(p.state.operations[0].note, "tail hidden");
  p.do("undo");
  assert.equal(p.state.operations.length, 2);
});

test("blind: the window is marked from the start, nothing given is known, and Enter waits until all is labelled", () => {
  const p = page({ given: null, suggested: null, segments: [], window: [110, 114] });
  assert.deepEqual(selection(p.state), [10, 14]);
  p.do("given_right");
  p.do("accept");
  assert.deepEqual(p.gone(), []);
  assert.equal(p.state.operations.length, 0);
  p.do("select", { from: 10, to: 14 });
  p.do("paint", { code: 1 });
  p.do("accept");
  assert.deepEqual(p.gone(), ["next"]);
});

test("playing the segment starts at its start and stops at its end", () => {
  const p = page({}, { segmentId: "one" });
  p.do("goto", { place: 20 });
  p.do("play_segment");
  assert.equal(p.state.cursor, 5);
  p.do("tick", { place: 7 });
  assert.equal(p.state.playing, true);
  p.do("tick", { place: 25 });
  assert.equal(p.state.cursor, 9);
  assert.equal(p.state.playing, false);
});

test("frame numbers with gaps: spans name frames that exist", () => {
  const frameNumbers = Int32Array.from([3, 5, 9, 10, 40]);
  const p = page({ frameNumbers, times: Int32Array.from([0, 1, 2, 3, 4]), given: new Int16Array(5), suggested: null, segments: [{ segment_id: "one", start: 4, end: 12, suggested: 1 }] });
  p.do("accept");
  assert.deepEqual(p.state.operations[0].spans, [[5, 10, 1]]);
});

test("any sequence of acts keeps what is shown equal to what is saved", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
  const acts = [
    () => ["step", { by: random(5) - 2 }], () => ["paint", { code: random(4) }], () => ["mark"], () => ["pen"], () => ["undo"], () => ["redo"],
    () => ["nudge", { edge: random(2) * 2 - 1, grow: random(2) === 0 }], () => ["accept"], () => ["unsure"], () => ["exclude"], () => ["given_right"],
    () => ["clear"], () => ["goto", { place: random(30) }], () => ["play"], () => ["tick", { place: random(30) }], () => ["close"], () => ["cancel"],
    () => ["select", { from: random(30), to: random(30) }], () => ["replace"], () => ["note", { text: "n" }], () => ["edge", { edge: random(2) * 2 - 1 }],
  ];
  const p = page({}, { segmentId: "one" });
  for (let i = 0; i < 3000; i += 1) {
    const [type, more] = acts[random(acts.length)]();
    p.do(type, more);
  }
  assert.equal(new Set(p.state.operations.map((o) => o.operation_id)).size, p.state.operations.length);
});
