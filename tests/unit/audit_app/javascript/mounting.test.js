// One instance an element, through newer data, until the element leaves the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { mounting } from "../../../../audit_app/components/assets/mounting.js";

test("an instance is kept while its element is in the page, and made anew after it left", () => {
  const told = [];
  const mount = mounting((parent, data) => {
    told.push(["made", parent.name, data]);
    return { update: (newer, send) => told.push(["update", newer, send]), destroy: () => told.push(["destroyed"]) };
  });
  const parentElement = { name: "box", isConnected: true };
  const leave = mount({ data: 1, parentElement, setTriggerValue: "a" });
  mount({ data: 2, parentElement, setTriggerValue: "b" });
  leave();
  assert.deepEqual(told, [["made", "box", 1], ["update", 1, "a"], ["update", 2, "b"]]);
  parentElement.isConnected = false;
  leave();
  mount({ data: 3, parentElement, setTriggerValue: "c" });
  assert.deepEqual(told.slice(3), [["destroyed"], ["made", "box", 3], ["update", 3, "c"]]);
});
