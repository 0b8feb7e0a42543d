import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERY_STREAM, Outbox } from "../../../../audit_app/components/assets/outbox.js";

class Storage {
  constructor() { this.map = new Map(); }
  get length() { return this.map.size; }
  key(i) { return [...this.map.keys()][i] ?? null; }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { this.map.set(key, value); }
  removeItem(key) { this.map.delete(key); }
}

/** A browser with one server, where nothing happens by itself. */
function browser() {
  const world = { storage: new Storage(), stored: [], mode: "works", time: 0, timers: new Map() };
  const timers = {
    set: (act, ms) => { world.timers.set(act, world.time + ms); return act; }, clear: (act) => world.timers.delete(act), now: () => world.time,
  };
  world.pass = async (ms) => {
    world.time += ms;
    for (let again = true; again;) {
      again = false;
      for (const [act, at] of [...world.timers]) if (at <= world.time) { world.timers.delete(act); act(); again = true; }
      for (let i = 0; i < 30; i += 1) await null;
    }
  };
  const sender = (held) => async (message) => {
    if (world.mode === "dead") throw new Error("no answer");
    if (world.mode === "conflict") return { status: 409, body: { revision: 9, operations: [], classes: message.classes } };
    if (world.mode === "bad") return { status: 400, body: { error: "no such clip", hint: "" } };
    const known = new Set(world.stored.map((o) => o.operation_id));
    for (const o of message.operations) if (!known.has(o.operation_id)) world.stored.push({ ...o, clip: message.clip_id, stream: message.stream, by: held.by });
    return { status: 200, body: { revision: world.stored.length, acknowledged: message.operations.map((o) => o.operation_id) } };
  };
  /** A page of a tab: as after a reload, it knows nothing of those before it. */
  world.page = (tab = "tab") => {
    const outbox = new Outbox({ storage: world.storage, tab, sender, timers });
    const open = (clipId, { reviewer = "kim", stream = "review", ...more } = {}) => outbox.open(
      { workspace: "w", reviewer, stream, run_id: "run", operations: [], revision: 0, classes: [{ name: "SIT" }], ...more },
      { clipId, frameNumbers: Int32Array.from([0, 1]) }, { by: reviewer }, { onChange: () => {}, onRebuilt: () => {} },
    );
    return { outbox, open };
  };
  return world;
}

let ids = 0;
const paint = () => ({ operation_id: `o${(ids += 1)}`, at: "t", spans: [[0, 1, 0]], undoes: null, note: null });

/** Let a page paint one act in each of these clips while the server is dead, and go: at once, or killed without a word. */
function leaveBehind(world, clips, { killed = false } = {}) {
  world.mode = "dead";
  const page = world.page("old tab");
  for (const [clip, more] of clips) page.open(clip, more).add(paint());
  if (!killed) page.outbox.leave();
  world.timers.clear();
}

/** Open another page, with a permit for all streams of a reviewer, and send what was left. */
async function lookedAfter(world, reviewer = "kim") {
  world.mode = "works";
  const { outbox } = world.page("new tab");
  outbox.permit({ workspace: "w", reviewer, stream: EVERY_STREAM, held: { by: reviewer } });
  await outbox.sweep();
  return outbox;
}

test("one state for all clips: it is saved when nothing of any clip is on its way", async () => {
  const world = browser();
  const { outbox, open } = world.page();
  const one = open("one");
  world.mode = "dead";
  one.add(paint());
  outbox.close(one);
  open("two");
  await world.pass(300);
  assert.deepEqual(outbox.state(), { word: "unsaved", acts: 1, clips: ["one"] });
  assert.equal(outbox.unsent, true);
  world.mode = "works";
  await outbox.retry();
  assert.deepEqual(outbox.state(), { word: "saved", acts: 0, clips: [] });
  assert.equal(world.stored.length, 1);
});

test("a clip that is opened again goes on with what this page knows of it, however old the data are", async () => {
  const world = browser();
  const { outbox, open } = world.page();
  const first = open("one");
  first.add(paint());
  await world.pass(300);
  outbox.close(first);
  open("two");
  const again = open("one");
  assert.equal(again, first);
  assert.equal(again.operations().length, 1);
  again.add(paint());
  await world.pass(300);
  assert.equal(again.status, "saved");
  assert.equal(again.revision, 2);
});

test("acts of a page that was closed are sent by any page with a permit, of whatever clip and stream", async () => {
  const world = browser();
  leaveBehind(world, [["one"], ["two", { stream: "blind:a" }]]);
  await lookedAfter(world);
  assert.deepEqual(world.stored.map((o) => [o.clip, o.stream]), [["one", "review"], ["two", "blind:a"]]);
  assert.equal(world.storage.length, 0);
});

test("a page that was killed a moment ago is looked after in a moment", async () => {
  const world = browser();
  leaveBehind(world, [["one"]], { killed: true });
  await lookedAfter(world);
  assert.equal(world.stored.length, 0);
  await world.pass(11000);
  assert.equal(world.stored.length, 1);
  assert.equal(world.storage.length, 0);
});

test("another reviewer's acts wait for that reviewer, and this one is told", async () => {
  const world = browser();
  leaveBehind(world, [["one"]]);
  const outbox = await lookedAfter(world, "lee");
  assert.deepEqual(outbox.troubles(null), [{ clip: "one", why: "another's", acts: 1, reviewer: "kim" }]);
  assert.equal(outbox.state().word, "saved");
  assert.equal(world.stored.length, 0);
});

test("a clip that was left in conflict, or was refused, is told wherever the reviewer is", async () => {
  const world = browser();
  const { outbox, open } = world.page();
  world.mode = "conflict";
  const one = open("one");
  one.add(paint());
  outbox.close(one);
  await world.pass(300);
  world.mode = "bad";
  const two = open("two");
  two.add(paint());
  outbox.close(two);
  const three = open("three");
  await world.pass(300);
  assert.deepEqual(outbox.troubles(three).map(({ clip, why }) => [clip, why]), [["one", "conflict"], ["two", "refused"]]);
  assert.equal(outbox.state().word, "conflict");
});

test("the server is dead: what was left is tried again, and counts as unsaved until then", async () => {
  const world = browser();
  leaveBehind(world, [["one"]]);
  const { outbox, open } = world.page("new tab");
  open("two");
  await outbox.sweep();
  assert.deepEqual(outbox.state(), { word: "unsaved", acts: 1, clips: ["one"] });
  world.mode = "works";
  await world.pass(11000);
  assert.equal(outbox.state().word, "saved");
  assert.equal(world.stored.length, 1);
});
