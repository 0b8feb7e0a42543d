import assert from "node:assert/strict";
import { test } from "node:test";

import { InputGate } from "../../../../audit_app/components/assets/input_gate.js";
import { ClipNavigation } from "../../../../audit_app/components/assets/clip_navigation.js";

const ACCEPT = { id: "accept", group: "Decide" };

/** A page whose server answers when the test says so. */
function world({ ready = null, coming = Promise.resolve() } = {}) {
  const said = { requests: [], opened: [], words: [], waiting: false, timers: [] };
  const gate = new InputGate();
  gate.shown(0);
  const page = {
    state: { clip: { clipId: "a" }, segment: 0 }, data: { segment_id: "a-1" }, saver: { flush: async () => {} }, gone: false,
    open: (data) => { said.opened.push(data); gate.arrived(); gate.shown(0); },
    say: (text) => said.words.push(text), trigger: (request) => said.requests.push(request), showWaiting: (on) => { said.waiting = on; },
  };
  let ids = 0;
  const navigation = new ClipNavigation(page, {
    gate, newId: () => `request${(ids += 1)}`, allDecidedBut: () => true, prefetch: { take: () => ready, coming: () => coming },
    timers: { set: (act, ms) => said.timers.push({ act, ms }), clear: () => {} },
  });
  return { ...said, said, navigation, gate, page, open: () => gate.lets(ACCEPT, 1) };
}

const turn = async () => { for (let i = 0; i < 20; i += 1) await null; };

test("to a clip that is ready it goes at once, and keys act there", () => {
  const w = world({ ready: { data: { segment_id: "b-1" }, kept: {} } });
  w.navigation.leave({ go: "next", from: "a-1" });
  assert.equal(w.said.opened.length, 1);
  assert.equal(w.said.requests[0].to, "b-1");
  assert.equal(w.open(), true);
});

test("from the request until the server's answer keys are held back", async () => {
  const w = world();
  w.navigation.leave({ go: "next", from: "a-1" });
  assert.equal(w.open(), false);
  await turn();
  assert.equal(w.said.requests.length, 1);
  assert.equal(w.open(), false);
  assert.equal(w.said.waiting, true);
  w.navigation.answered({ another: true });
  assert.equal(w.open(), true);
  assert.equal(w.said.waiting, false);
});

test("pressed again while it waits, it asks only once", async () => {
  const w = world();
  for (let i = 0; i < 3; i += 1) w.navigation.leave({ go: "next", from: "a-1" });
  await turn();
  assert.equal(w.said.requests.length, 1);
});

test("the answer to an earlier request does not end the wait for a later one", async () => {
  const w = world({ ready: { data: { segment_id: "b-1" }, kept: {} } });
  w.navigation.leave({ go: "next", from: "a-1" });
  w.navigation.prefetch.take = () => null;
  w.navigation.leave({ go: "previous", from: "b-1" });
  w.navigation.answered({ another: false });
  assert.equal(w.open(), false);
  await turn();
  assert.deepEqual(w.said.requests.map((request) => request.go), ["next", "previous"]);
  assert.equal(w.navigation.late({ request_id: "request1" }), true);
  assert.equal(w.navigation.late({ request_id: "request2" }), false);
  w.navigation.answered({ another: false });
  assert.equal(w.open(), true);
});

test("a server that does not answer gives the clip back, and says so", async () => {
  const w = world();
  w.navigation.leave({ go: "next", from: "a-1" });
  await turn();
  w.said.timers.find((timer) => timer.ms === 10000).act();
  assert.equal(w.open(), true);
  assert.match(w.said.words.at(-1), /does not answer/);
});

test("undo goes back to the clip of the act: at once where the page still has it, else by the server, and only there it undoes", async () => {
  const w = world();
  const turned = [];
  w.navigation.remember({ clip: { clip_id: "kept" }, here: null, segment_id: "kept-1" });
  w.navigation.back({ clip: "kept", segment: "kept-2", here: null }, () => turned.push("kept"));
  assert.deepEqual([turned, w.said.opened[0].segment_id, w.said.requests[0].go], [["kept"], "kept-2", "back"]);
  w.navigation.answered({ another: false });
  w.navigation.back({ clip: "far", segment: "far-1", here: null }, () => turned.push("far"));
  assert.equal(w.open(), false);
  assert.deepEqual(turned, ["kept"]);
  assert.deepEqual([w.said.requests[1].place, w.said.requests[1].clip_id], ["far-1", "far"]);
  w.navigation.answered({ another: true });
  assert.deepEqual(turned, ["kept", "far"]);
});
