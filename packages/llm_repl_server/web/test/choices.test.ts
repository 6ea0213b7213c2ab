import assert from "node:assert/strict";
import { test } from "node:test";
import { eachOnce } from "../src/store/model-names.ts";

test("a model is offered once, and with its provider where that is known", () => {
  assert.deepEqual(eachOnce(["gpt-5.4-mini", "openai/gpt-5.4-mini", "own"]), ["openai/gpt-5.4-mini", "own"]);
  assert.deepEqual(eachOnce(["a/x", "b/x"]), ["a/x", "b/x"]);
  // It may be offered by itself, and by a gateway.
  assert.deepEqual(eachOnce(["openai/x", "gateway/openai/x"]), ["openai/x", "gateway/openai/x"]);
});
