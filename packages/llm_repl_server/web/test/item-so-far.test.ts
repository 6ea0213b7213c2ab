import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsSoFar } from "../src/cells/item-so-far.ts";

test("an answer has fields as soon as it is whole", () => {
  const whole = '{"topic": "packing", "sure": {"much": true}}';
  for (let end = 0; end < whole.length; end++) assert.equal(fieldsSoFar(whole.slice(0, end)), null, whole.slice(0, end));
  assert.deepEqual(fieldsSoFar(`${whole}\n`), { topic: "packing", sure: { much: true } });
  for (const other of [undefined, "", "[{}]", "a {b}", "{}}"]) assert.equal(fieldsSoFar(other), null);
});
