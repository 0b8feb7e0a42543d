import assert from "node:assert/strict";
import { test } from "node:test";

import { Prefetch } from "../../../../audit_app/components/assets/prefetch.js";

/** An Prefetch with a clock and a server that the test moves by hand. */
function prefetch() {
  const asked = [];
  const closed = [];
  let due = null;
  let settled = 0;
  let pictured;
  const made = new Prefetch({
    ask: (from) => new Promise((resolve, reject) => asked.push({ from, resolve, reject })),
    prepare: (data) => ({ of: data, close: () => closed.push(data), settled: new Promise((resolve) => { pictured = resolve; }) }),
    onSettled: () => { settled += 1; },
    timers: { set: (act) => { due = act; return 1; }, clear: () => { due = null; } },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { made, asked, closed, settle, settled: () => settled, pictured: () => pictured(), pass: () => { const act = due; due = null; act?.(); } };
}

test("the next clip is asked for after a pause, and given away once", async () => {
  const page = prefetch();
  page.made.at("one");
  assert.deepEqual(page.asked, []);
  page.pass();
  assert.equal(page.asked[0].from, "one");
  assert.equal(page.made.take(), null);
  page.asked[0].resolve("data");
  await page.settle();
  const { data, kept } = page.made.take();
  assert.equal(data, "data");
  assert.equal(kept.of, "data");
  assert.equal(page.made.take(), null);
  assert.deepEqual(page.closed, []);
});

test("the same segment is asked for once, another one anew, and what was ready is let go", async () => {
  const page = prefetch();
  page.made.at("one");
  page.pass();
  page.made.at("one");
  page.pass();
  assert.equal(page.asked.length, 1);
  page.asked[0].resolve("first");
  await page.settle();
  page.made.at("two");
  assert.deepEqual(page.closed, ["first"]);
  assert.equal(page.made.take(), null);
  page.pass();
  assert.equal(page.asked[1].from, "two");
});

test("an answer that comes when the page has moved on is dropped", async () => {
  const page = prefetch();
  page.made.at("one");
  page.pass();
  page.made.at("two");
  page.pass();
  page.asked[1].resolve("second");
  page.asked[0].resolve("first");
  await page.settle();
  assert.equal(page.made.take().data, "second");
});

test("where the queue ends, the server fails, or there is no queue, nothing is ready", async () => {
  const page = prefetch();
  page.made.at("one");
  page.pass();
  page.asked[0].resolve(null);
  page.made.at("two");
  page.pass();
  page.asked[1].reject(new Error("offline"));
  await page.settle();
  assert.equal(page.made.take(), null);
  page.made.at(null);
  page.pass();
  assert.equal(page.asked.length, 2);
});

test("the rest of this clip waits until the next one's first picture is there, or nothing will come", async () => {
  const page = prefetch();
  page.made.at("one");
  page.pass();
  page.asked[0].resolve("first");
  await page.settle();
  assert.equal(page.settled(), 0);
  page.pictured();
  await page.settle();
  assert.equal(page.settled(), 1);
  page.made.at("two");
  page.pass();
  page.asked[1].resolve(null);
  await page.settle();
  assert.equal(page.settled(), 2);
  page.made.at(null);
  assert.equal(page.settled(), 3);
  page.made.close();
  page.made.at(null);
  assert.equal(page.settled(), 4);
});

test("who leaves before the answer is in can wait for it, and never waits for one that will not come", async () => {
  const page = prefetch();
  const seen = [];
  await page.made.coming();
  page.made.at("one");
  page.made.coming().then(() => seen.push(page.made.take()?.data ?? null));
  page.pass();
  await page.settle();
  assert.deepEqual(seen, []);
  page.asked[0].resolve("first");
  await page.settle();
  assert.deepEqual(seen, ["first"]);
  page.made.at("two");
  page.made.coming().then(() => seen.push("closed"));
  page.made.close();
  await page.settle();
  assert.deepEqual(seen, ["first", "closed"]);
});

test("a page that goes asks for nothing more", async () => {
  const page = prefetch();
  page.made.at("one");
  page.made.close();
  page.pass();
  assert.deepEqual(page.asked, []);
});
