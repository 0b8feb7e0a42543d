import assert from "node:assert/strict";
import { test } from "node:test";

import { Trail } from "../../../../audit_app/labeller/assets/trail.js";

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
  const trail = new Trail({ storage: new Storage(), who: WHO });
  trail.add(did("1"), A);
  trail.add(did("2"), B);
  assert.deepEqual([trail.last.id, trail.last.clip], ["2", "b"]);
  trail.add(did("3", "2"), B);
  assert.deepEqual([trail.last.id, trail.last.clip, trail.lastUndone.by], ["1", "a", "3"]);
  trail.add(did("4", "1"), A);
  assert.equal(trail.last, null);
  assert.deepEqual([trail.lastUndone.by, trail.lastUndone.clip], ["4", "a"]);
  trail.add(did("5", "4"), A);
  trail.add(did("6", "3"), B);
  assert.deepEqual([trail.last.id, trail.lastUndone], ["2", null]);
});

test("a new act ends what could be done again", () => {
  const trail = new Trail({ storage: new Storage(), who: WHO });
  trail.add(did("1"), A);
  trail.add(did("2", "1"), A);
  trail.add(did("3"), B);
  assert.equal(trail.lastUndone, null);
  assert.equal(trail.last.id, "3");
});

test("the way back survives a reload of the tab, and does without storage", () => {
  const storage = new Storage();
  new Trail({ storage, who: WHO }).add(did("1"), A);
  assert.equal(new Trail({ storage, who: WHO }).last.id, "1");
  assert.equal(new Trail({ storage, who: { ...WHO, reviewer: "lee" } }).last, null);
  const without = new Trail({ storage: null, who: WHO });
  without.add(did("1"), A);
  assert.equal(without.last.id, "1");
});

test("what is not in force any more is passed over", () => {
  const trail = new Trail({ storage: new Storage(), who: WHO });
  trail.add(did("1"), A);
  trail.add(did("2"), B);
  trail.forget("2");
  assert.equal(trail.last.id, "1");
});
