import assert from "node:assert/strict";
import { test } from "node:test";

import { Gate } from "../../../../audit_app/labeller/assets/gate.js";
import { Going } from "../../../../audit_app/labeller/assets/going.js";

const ACCEPT = { id: "accept", group: "Decide" };

/** A page whose server answers when the test says so. */
function world({ ready = null, coming = Promise.resolve() } = {}) {
  const said = { wishes: [], opened: [], words: [], waiting: false, timers: [] };
  const gate = new Gate();
  gate.shown(0);
  const page = {
    state: { clip: { clipId: "a" }, segment: 0 }, data: { segment_id: "a-1" }, saver: { flush: async () => {} }, gone: false,
    open: (data) => { said.opened.push(data); gate.arrived(); gate.shown(0); },
    say: (text) => said.words.push(text), trigger: (wish) => said.wishes.push(wish), showWaiting: (on) => { said.waiting = on; },
  };
  let ids = 0;
  const going = new Going(page, {
    gate, newId: () => `wish${(ids += 1)}`, allDecidedBut: () => true, onward: { take: () => ready, coming: () => coming },
    timers: { set: (act, ms) => said.timers.push({ act, ms }), clear: () => {} },
  });
  return { ...said, said, going, gate, page, open: () => gate.lets(ACCEPT, 1) };
}

const turn = async () => { for (let i = 0; i < 20; i += 1) await null; };

test("to a clip that is ready it goes at once, and keys act there", () => {
  const w = world({ ready: { data: { segment_id: "b-1" }, kept: {} } });
  w.going.leave({ go: "next", from: "a-1" });
  assert.equal(w.said.opened.length, 1);
  assert.equal(w.said.wishes[0].to, "b-1");
  assert.equal(w.open(), true);
});

test("from the wish until the server's answer keys are held back", async () => {
  const w = world();
  w.going.leave({ go: "next", from: "a-1" });
  assert.equal(w.open(), false);
  await turn();
  assert.equal(w.said.wishes.length, 1);
  assert.equal(w.open(), false);
  assert.equal(w.said.waiting, true);
  w.going.answered({ another: true });
  assert.equal(w.open(), true);
  assert.equal(w.said.waiting, false);
});

test("pressed again while it waits, it asks only once", async () => {
  const w = world();
  for (let i = 0; i < 3; i += 1) w.going.leave({ go: "next", from: "a-1" });
  await turn();
  assert.equal(w.said.wishes.length, 1);
});

test("the answer to an earlier wish does not end the wait for a later one", async () => {
  const w = world({ ready: { data: { segment_id: "b-1" }, kept: {} } });
  w.going.leave({ go: "next", from: "a-1" });
  w.going.onward.take = () => null;
  w.going.leave({ go: "previous", from: "b-1" });
  w.going.answered({ another: false });
  assert.equal(w.open(), false);
  await turn();
  assert.deepEqual(w.said.wishes.map((wish) => wish.go), ["next", "previous"]);
  assert.equal(w.going.late({ answers: "wish1" }), true);
  assert.equal(w.going.late({ answers: "wish2" }), false);
  w.going.answered({ another: false });
  assert.equal(w.open(), true);
});

test("a server that does not answer gives the clip back, and says so", async () => {
  const w = world();
  w.going.leave({ go: "next", from: "a-1" });
  await turn();
  w.said.timers.find((timer) => timer.ms === 10000).act();
  assert.equal(w.open(), true);
  assert.match(w.said.words.at(-1), /does not answer/);
});

test("undo goes back to the clip of the act: at once where the page still has it, else by the server, and only there it undoes", async () => {
  const w = world();
  const turned = [];
  w.page.recent = (clip) => (clip === "kept" ? { segment_id: "kept-1" } : null);
  w.going.back({ clip: "kept", segment: "kept-2", here: null }, () => turned.push("kept"));
  assert.deepEqual([turned, w.said.opened[0].segment_id, w.said.wishes[0].go], [["kept"], "kept-2", "back"]);
  w.going.answered({ another: false });
  w.going.back({ clip: "far", segment: "far-1", here: null }, () => turned.push("far"));
  assert.equal(w.open(), false);
  assert.deepEqual(turned, ["kept"]);
  assert.deepEqual([w.said.wishes[1].place, w.said.wishes[1].clip_id], ["far-1", "far"]);
  w.going.answered({ another: true });
  assert.deepEqual(turned, ["kept", "far"]);
});
