import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ACTIONS, keyOf, keymap, normalKey, readable } from "../../../../audit_app/components/assets/keymap.js";

const press = (code, held = {}) => keyOf({ code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

test("no two acts share a key at first, and every act has one", () => {
  const seen = new Map();
  for (const action of ACTIONS) {
    assert.ok(action.keys.length, action.id);
    for (const key of action.keys) {
      assert.equal(normalKey(key), key);
      assert.ok(!seen.has(key), `${key}: ${seen.get(key)} and ${action.id}`);
      seen.set(key, action.id);
    }
  }
});

test("Streamlit's own keys are left alone", () => {
  const { byKey } = keymap();
  assert.ok(!byKey.has("KeyC") && !byKey.has("KeyR"));
});

test("keys go by their place: a Korean input method changes the letter, not the act", () => {
  const { byKey } = keymap();
  assert.equal(byKey.get(keyOf({ key: "ㅔ", code: "KeyP" })).id, "pen");
  assert.equal(byKey.get(press("Digit1", { shiftKey: true })).id, "paint_11");
  assert.equal(byKey.get(press("KeyZ", { metaKey: true, shiftKey: true })).id, "redo");
});

test("a key of one's own takes the place of the old one, and is taken from the act that had it", () => {
  const { byKey, keysOf, problems } = keymap({ pen: "Shift+KeyA", accept: "KeyU" });
  assert.equal(byKey.get("Shift+KeyA").id, "pen");
  assert.ok(!byKey.has("KeyP"));
  assert.equal(byKey.get("KeyU").id, "accept");
  assert.deepEqual(keysOf.unsure, []);
  assert.deepEqual(problems, []);
});

test("what cannot be is told, not dropped in silence", () => {
  const { problems } = keymap({ fly: "KeyP", pen: "KeyW", mark: "KeyW" });
  assert.equal(problems.length, 2);
});

test("keys read as people write them", () => {
  assert.deepEqual(["Ctrl+Shift+KeyZ", "Shift+Digit1", "BracketLeft", "Shift+Slash"].map(readable), ["Ctrl Shift Z", "Shift 1", "[", "?"]);
  assert.equal(normalKey("shift+ctrl+KeyZ"), "Ctrl+Shift+KeyZ");
});

test("the documentation names every act with its first key", () => {
  const text = readFileSync(new URL("../../../../docs/labeller.md", import.meta.url), "utf8");
  for (const { id, keys } of ACTIONS) {
    if (id.startsWith("paint_")) continue;
    const row = text.split("\n").find((line) => line.startsWith(`| \`${id}\` |`));
    assert.ok(row, `no row for ${id}`);
    const key = readable(keys[0]);
    assert.ok(row.includes(key), `${id}: ${key}`);
  }
});
