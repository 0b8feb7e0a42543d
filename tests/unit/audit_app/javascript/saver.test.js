import assert from "node:assert/strict";
import { test } from "node:test";

import { Journal } from "../../../../audit_app/components/assets/journal.js";
import { Saver, base64 } from "../../../../audit_app/components/assets/saver.js";

class Storage {
  constructor() { this.map = new Map(); }
  get length() { return this.map.size; }
  key(i) { return [...this.map.keys()][i] ?? null; }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { if (this.full) throw new Error("QuotaExceededError"); this.map.set(key, value); }
  removeItem(key) { this.map.delete(key); }
}

/** A server that stores, refuses and fails as it is told, by the rules of the real one. */
class Server {
  constructor() {
    this.stored = [];
    this.mode = "works";
    this.messages = [];
  }

  async take(message) {
    this.messages.push(message);
    if (this.mode === "dead") throw new Error("no answer");
    if (this.mode === "full") return { status: 503, body: { error: "disk is full", hint: "make room" } };
    if (this.mode === "bad") return { status: 400, body: { error: "no", hint: "" } };
    const own = new Set(message.operations.map((o) => o.operation_id));
    const known = new Set(this.stored.map((o) => o.operation_id));
    const fresh = message.operations.filter((o) => !known.has(o.operation_id));
    const ofOthers = this.stored.filter((o) => o.revision > message.base_revision && !own.has(o.operation_id));
    if (fresh.length && ofOthers.length) {
      return { status: 409, body: { error: "conflict", revision: this.stored.length, operations: ofOthers, classes: message.classes } };
    }
    for (const operation of fresh) this.stored.push({ ...operation, revision: this.stored.length + 1, reviewer: "kim" });
    if (this.mode === "dies after storing") throw new Error("no answer");
    return { status: 200, body: { revision: this.stored.length, sequence: message.sequence, acknowledged: [...own] } };
  }
}

class Clock {
  constructor() { this.time = 0; this.timers = new Map(); this.count = 0; }
  set(act, ms) { this.count += 1; this.timers.set(this.count, { at: this.time + ms, act }); return this.count; }
  clear(id) { this.timers.delete(id); }
  now() { return this.time; }
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].act();
      for (let i = 0; i < 20; i += 1) await null;
    }
    this.time = end;
    for (let i = 0; i < 20; i += 1) await null;
  }
}

const CLIP = { clipId: "clip", stream: "review", classes: ["SIT", "WALK"], frameNumbers: Int32Array.from([0, 1, 2, 3]) };
const WHO = { workspace: "w", reviewer: "kim", stream: "review" };
let ids = 0;
const paint = (code = 1, start = 0, end = 1) => ({ operation_id: `o${(ids += 1)}`, at: "t", spans: [[start, end, code]], undoes: null, note: null });

function open(world, { tab = "tab", stored = [] } = {}) {
  const journal = new Journal({ storage: world.storage, who: WHO, clipId: "clip", tab, page: `page${(ids += 1)}`, now: () => world.clock.now() });
  const rebuilt = [];
  const saver = new Saver({
    clip: CLIP, stored, revision: stored.length, journal, timers: world.clock, onChange: () => {}, onRebuilt: (o) => rebuilt.push(o),
    send: (message) => world.server.take(JSON.parse(JSON.stringify(message))),
  });
  return Object.assign(saver, { rebuilt });
}

const fresh = () => ({ storage: new Storage(), server: new Server(), clock: new Clock() });

test("an act is unsaved until the server has it, then saved, and the journal is empty", async () => {
  const world = fresh();
  const saver = open(world);
  assert.equal(saver.status, "saved");
  saver.add(paint());
  assert.equal(saver.status, "unsaved");
  assert.equal(world.storage.length, 1);
  await world.clock.pass(1000);
  assert.equal(saver.status, "saved");
  assert.equal(world.storage.length, 0);
  assert.equal(world.server.stored.length, 1);
  assert.equal(world.server.messages[0].state, base64(Int16Array.from([1, 1, -1, -1])));
});

test("acts in a row go together, yet none waits for longer than a moment", async () => {
  const world = fresh();
  const saver = open(world);
  for (let i = 0; i < 40; i += 1) {
    saver.add(paint());
    await world.clock.pass(100);
  }
  await world.clock.pass(1000);
  assert.equal(world.server.stored.length, 40);
  assert.ok(world.server.messages.length <= 5, `${world.server.messages.length} messages`);
});

test("while the server is dead acts are kept and sent again, in their order and once", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const saver = open(world);
  saver.add(paint());
  await world.clock.pass(3000);
  saver.add(paint(0));
  await world.clock.pass(3000);
  assert.equal(saver.status, "unsaved");
  assert.match(saver.trouble.text, /does not answer/);
  world.server.mode = "works";
  await world.clock.pass(15000);
  assert.equal(saver.status, "saved");
  assert.deepEqual(world.server.stored.map((o) => o.spans[0][2]), [1, 0]);
});

test("a full disk is said, and nothing is given up", async () => {
  const world = fresh();
  world.server.mode = "full";
  const saver = open(world);
  saver.add(paint());
  await world.clock.pass(2000);
  assert.equal(saver.trouble.text, "disk is full");
  assert.equal(world.storage.length, 1);
  world.server.mode = "works";
  await world.clock.pass(15000);
  assert.equal(saver.status, "saved");
});

test("a server that dies between storing and answering makes no double act", async () => {
  const world = fresh();
  world.server.mode = "dies after storing";
  const saver = open(world);
  saver.add(paint());
  await world.clock.pass(300);
  world.server.mode = "works";
  await world.clock.pass(15000);
  assert.equal(saver.status, "saved");
  assert.equal(world.server.stored.length, 1);
  assert.equal(saver.revision, 1);
});

test("what was refused for good is not sent over and over", async () => {
  const world = fresh();
  world.server.mode = "bad";
  const saver = open(world);
  saver.add(paint());
  await world.clock.pass(60000);
  assert.equal(world.server.messages.length, 1);
  assert.equal(saver.status, "unsaved");
});

test("after a reload the same tab takes up what was not acknowledged", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const before = open(world);
  before.add(paint());
  await before.leave();
  world.clock.timers.clear();
  world.server.mode = "works";
  const after = open(world);
  assert.equal(after.adopt(), 1);
  assert.equal(after.rebuilt[0].length, 1);
  await world.clock.pass(1000);
  assert.equal(world.server.stored.length, 1);
  assert.equal(world.storage.length, 0);
});

test("a stroke that was under way is kept as far as it came", async () => {
  const world = fresh();
  const before = open(world);
  const stroke = paint(1, 0, 0);
  before.add(stroke, { open: true });
  before.grow({ ...stroke, spans: [[0, 3, 1]] });
  await world.clock.pass(5000);
  assert.equal(world.server.messages.length, 0);
  world.clock.timers.clear();
  const after = open(world);
  after.adopt();
  await world.clock.pass(1000);
  assert.deepEqual(world.server.stored[0].spans, [[0, 3, 1]]);
});

test("another tab that lives keeps its own acts; one that is gone leaves them to us", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const other = open(world, { tab: "other" });
  other.add(paint());
  const mine = open(world);
  assert.equal(mine.adopt(), 0);
  world.clock.timers.clear();
  await world.clock.pass(11000);
  assert.equal(mine.adopt(), 1);
});

test("what the server has already is not taken up again", async () => {
  const world = fresh();
  world.server.mode = "dies after storing";
  const before = open(world);
  before.add(paint());
  await world.clock.pass(300);
  world.clock.timers.clear();
  const after = open(world, { stored: world.server.stored });
  assert.equal(after.adopt(), 0);
  assert.equal(world.storage.length, 0);
});

test("conflict: mine on top keeps both, mine winning", async () => {
  const world = fresh();
  const one = open(world);
  const two = open(world, { tab: "two" });
  one.add(paint(0, 0, 3));
  await world.clock.pass(1000);
  two.add(paint(1, 0, 1));
  await world.clock.pass(1000);
  assert.equal(two.status, "conflict");
  two.add(paint(1, 2, 2));
  await world.clock.pass(5000);
  assert.equal(world.server.stored.length, 1);
  await two.keepMine();
  await world.clock.pass(1000);
  assert.equal(two.status, "saved");
  assert.deepEqual(world.server.stored.map((o) => o.spans[0]), [[0, 3, 0], [0, 1, 1], [2, 2, 1]]);
  assert.equal(two.rebuilt.at(-1).length, 3);
});

test("conflict: theirs stand, mine are set aside and can still be laid over", async () => {
  const world = fresh();
  const one = open(world);
  const two = open(world, { tab: "two" });
  one.add(paint(0));
  await world.clock.pass(1000);
  two.add(paint(1));
  await world.clock.pass(1000);
  two.takeTheirs();
  assert.equal(two.status, "saved");
  assert.equal(two.rebuilt.at(-1).length, 1);
  const later = open(world, { stored: world.server.stored });
  later.restoreAside();
  await world.clock.pass(1000);
  assert.equal(world.server.stored.length, 2);
  assert.equal(later.journal.aside(), null);
});

test("a conflict that arose while the page was gone is shown, not passed over", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const before = open(world);
  before.add(paint(0));
  await before.leave();
  world.clock.timers.clear();
  world.server.mode = "works";
  const other = open(world, { tab: "other" });
  other.add(paint(1));
  await world.clock.pass(1000);
  const after = open(world, { stored: world.server.stored });
  after.adopt();
  await world.clock.pass(1000);
  assert.equal(after.status, "conflict");
  await after.keepMine();
  assert.equal(world.server.stored.length, 2);
});

test("a database that was set back to an older copy gets back what it had acknowledged", async () => {
  const world = fresh();
  const saver = open(world);
  saver.add(paint(0));
  await world.clock.pass(1000);
  saver.add(paint(1));
  await world.clock.pass(1000);
  world.server.stored = world.server.stored.slice(0, 1);
  world.server.take = async function take(message) {
    if (message.base_revision > this.stored.length) return { status: 409, body: { revision: this.stored.length, operations: [], classes: [] } };
    return Server.prototype.take.call(this, message);
  };
  saver.add(paint(1, 3, 3));
  await world.clock.pass(1000);
  assert.equal(saver.status, "conflict");
  await saver.keepMine();
  assert.equal(saver.status, "saved");
  assert.equal(world.server.stored.length, 3);
});

test("acts that are refused for good can be set aside, and do not hold up others", async () => {
  const world = fresh();
  world.server.mode = "bad";
  const saver = open(world);
  saver.add(paint());
  await world.clock.pass(1000);
  saver.setRefusedAside();
  assert.equal(saver.journal.aside().operations.length, 1);
  world.server.mode = "works";
  saver.add(paint(0));
  await world.clock.pass(1000);
  assert.equal(saver.status, "saved");
  assert.equal(world.server.stored.length, 1);
});

test("storage that is full is told, and saving goes on", async () => {
  const world = fresh();
  world.storage.full = true;
  const saver = open(world);
  saver.add(paint());
  assert.equal(saver.journal.works, false);
  await world.clock.pass(1000);
  assert.equal(world.server.stored.length, 1);
});

test("going online sends at once, without waiting for a request that hangs in the broken line", async () => {
  const world = fresh();
  const saver = open(world);
  let hung;
  saver.send = () => new Promise((resolve, reject) => { hung = reject; });
  saver.add(paint());
  await world.clock.pass(300);
  assert.equal(saver.status, "saving");
  saver.send = (message) => world.server.take(message);
  await saver.retry();
  assert.equal(saver.status, "saved");
  hung(new Error("timed out"));
  await world.clock.pass(100);
  assert.deepEqual([saver.status, saver.trouble, world.server.stored.length], ["saved", null, 1]);
});

test("what a page that goes could not send stays marked as left, also when its last request fails", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const before = open(world, { tab: "other" });
  before.add(paint());
  await before.leave();
  world.clock.timers.clear();
  world.server.mode = "works";
  assert.equal(open(world).adopt(), 1);
});

test("data that are older than what the page knows change nothing; newer ones are taken in", async () => {
  const world = fresh();
  const saver = open(world);
  const act = paint();
  saver.add(act);
  await world.clock.pass(1000);
  saver.renew([], 0);
  assert.deepEqual([saver.stored.length, saver.revision], [1, 1]);
  const theirs = { ...paint(0), revision: 2, reviewer: "kim" };
  world.server.stored.push(theirs);
  saver.renew([...world.server.stored], 2);
  assert.deepEqual([saver.stored.length, saver.revision], [2, 2]);
  saver.add(paint());
  await world.clock.pass(1000);
  assert.equal(saver.status, "saved");
});

test("a clip that is left while the server is dead is saved behind the next one", async () => {
  const world = fresh();
  world.server.mode = "dead";
  const saver = open(world);
  saver.add(paint());
  await saver.detach();
  world.server.mode = "works";
  await world.clock.pass(15000);
  assert.equal(world.server.stored.length, 1);
});

test("damaged journals are passed over", () => {
  const world = fresh();
  const saver = open(world);
  world.storage.setItem(`${saver.journal.root}/clip/old`, "{not json");
  world.storage.setItem(`${saver.journal.root}/clip/older`, '{"operations": 3}');
  assert.equal(saver.adopt(), 0);
});
