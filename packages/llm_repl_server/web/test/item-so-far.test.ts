import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsSoFar } from "../src/cells/item-so-far.ts";

test("an answer has each field as soon as that is whole", () => {
  const whole = '{"topic": "packing, \\"tin\\"", "sure": {"much": true, "why": [1, 2]}}';
  const first = whole.indexOf(', "sure"');
  for (let end = 0; end < whole.length; end++) {
    const sure = end > first ? { topic: 'packing, "tin"' } : null;
    assert.deepEqual(fieldsSoFar(whole.slice(0, end)), sure, whole.slice(0, end));
  }
  assert.deepEqual(fieldsSoFar(`${whole}\n`), { topic: 'packing, "tin"', sure: { much: true, why: [1, 2] } });
  for (const other of [undefined, "", "[{}]", "a {b}", "{}}"]) assert.equal(fieldsSoFar(other), null);
});
