import assert from "node:assert/strict";
import { test } from "node:test";

import { InputGate } from "../../../../audit_app/components/assets/input_gate.js";
import { ACTIONS } from "../../../../audit_app/components/assets/keymap.js";

const act = (id) => ACTIONS.find((action) => action.id === id);
const WRITING = ["accept", "replace", "given_right", "unsure", "exclude", "paint_1", "other", "clear", "mark", "pen", "start_earlier", "undo", "redo", "note"];

test("what writes waits until the clip is on the screen", () => {
  const gate = new InputGate();
  for (const id of WRITING) assert.equal(gate.lets(act(id), 5), false, id);
  gate.shown(10);
  for (const id of WRITING) assert.equal(gate.lets(act(id), 11), true, id);
});

test("while the next segment is on its way no key reaches the one before, but the queue and the view stay at hand", () => {
  const gate = new InputGate();
  gate.shown(10);
  gate.wait();
  for (const { id } of ACTIONS) {
    const free = act(id).group === "View" || id === "queue";
    assert.equal(gate.lets(act(id), 20), free, id);
  }
  gate.arrived();
  assert.equal(gate.lets(act("accept"), 30), false);
  gate.shown(40);
  assert.equal(gate.lets(act("accept"), 41), true);
});

test("a key that was pressed before the segment came and heard after it, as from a busy page, is not counted", () => {
  const gate = new InputGate();
  gate.shown(10);
  gate.arrived();
  gate.shown(300);
  gate.shown(400);
  assert.equal(gate.lets(act("accept"), 250), false);
  assert.equal(gate.lets(act("step_forward"), 250), true);
  assert.equal(gate.lets(act("accept"), 310), true);
  gate.turned(500);
  assert.equal(gate.lets(act("unsure"), 499), false);
  assert.equal(gate.lets(act("unsure"), 500), true);
});

test("where the next segment does not come, the one before takes keys again", () => {
  const gate = new InputGate();
  gate.shown(10);
  gate.wait();
  gate.stay();
  assert.equal(gate.lets(act("accept"), 20), true);
});
