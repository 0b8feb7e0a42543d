import assert from "node:assert/strict";
import { test } from "node:test";

import { UndoHistory } from "../../../../audit_app/components/assets/undo_history.js";

const WHO = { workspace: "w", stream: "review", reviewer: "kim" };
const A = { clip: "a", segment: "a-1", here: null };
const B = { clip: "b", segment: "b-1", here: null };
const did = (id, undoes = null) => ({ operation_id: id, undoes });

class Storage {
  constructor() { this.map = new Map(); }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { this.map.set(key, value); }
}

test("undo goes back through clips in the order of what was done, and redo forth again", () => {
  const history = new UndoHistory({ storage: new Storage(), who: WHO });
  history.add(did("1"), A);
  history.add(did("2"), B);
  assert.deepEqual([history.last.id, history.last.clip], ["2", "b"]);
  history.add(did("3", "2"), B);
  assert.deepEqual([history.last.id, history.last.clip, history.lastUndone.by], ["1", "a", "3"]);
  history.add(did("4", "1"), A);
  assert.equal(history.last, null);
  assert.deepEqual([history.lastUndone.by, history.lastUndone.clip], ["4", "a"]);
  history.add(did("5", "4"), A);
  history.add(did("6", "3"), B);
  assert.deepEqual([history.last.id, history.lastUndone], ["2", null]);
});

test("a new act ends what could be done again", () => {
  const history = new UndoHistory({ storage: new Storage(), who: WHO });
  history.add(did("1"), A);
  history.add(did("2", "1"), A);
  history.add(did("3"), B);
  assert.equal(history.lastUndone, null);
  assert.equal(history.last.id, "3");
});

test("the way back survives a reload of the tab, and does without storage", () => {
  const storage = new Storage();
  new UndoHistory({ storage, who: WHO }).add(did("1"), A);
  assert.equal(new UndoHistory({ storage, who: WHO }).last.id, "1");
  assert.equal(new UndoHistory({ storage, who: { ...WHO, reviewer: "lee" } }).last, null);
  const without = new UndoHistory({ storage: null, who: WHO });
  without.add(did("1"), A);
  assert.equal(without.last.id, "1");
});

test("what is not in force any more is passed over", () => {
  const history = new UndoHistory({ storage: new Storage(), who: WHO });
  history.add(did("1"), A);
  history.add(did("2"), B);
  history.forget("2");
  assert.equal(history.last.id, "1");
});
