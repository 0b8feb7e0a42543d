import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { replay, redoable, translated, undoable } from "../../../../audit_app/components/assets/operations.js";

const vectors = JSON.parse(readFileSync(new URL("../../../vectors/replay.json", import.meta.url), "utf8"));

assert.ok(vectors.cases.length > 5, "the vectors are there");
for (const { name, frame_numbers: frames, operations, expected } of vectors.cases) {
  test(`replay, ${name}`, () => {
    assert.deepEqual([...replay(operations, Int32Array.from(frames))], expected);
  });
}

const act = (id, parts = {}) => ({ operation_id: id, at: "", spans: parts.undoes ? [] : [[0, 1, 0]], undoes: null, note: null, ...parts });

test("undo takes the newest act that is in force, redo the newest undo", () => {
  const operations = [act("a"), act("b"), act("c", { undoes: "b" })];
  assert.equal(undoable(operations, "kim").operation_id, "a");
  assert.equal(redoable(operations, "kim").operation_id, "c");
});

test("nothing can be redone after something new was painted", () => {
  assert.equal(redoable([act("a"), act("b", { undoes: "a" }), act("c")], "kim"), null);
});

test("acts of others are not undone", () => {
  assert.equal(undoable([act("a", { reviewer: "lee" })], "kim"), null);
});

test("an act keeps its meaning under another list of classes, or is refused", () => {
  const moved = translated(act("a", { spans: [[0, 3, 1], [4, 4, -2], [5, 6, null]] }), ["SIT", "WALK"], ["WALK", "SIT"]);
  assert.deepEqual(moved.spans, [[0, 3, 0], [4, 4, -2], [5, 6, null]]);
  assert.equal(translated(act("a"), ["SIT"], ["WALK"]), null);
});
