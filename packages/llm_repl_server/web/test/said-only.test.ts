import assert from "node:assert/strict";
import { test } from "node:test";
import { saidOnlyIn } from "../src/store/said-only.ts";

const said = (text: string, other: string) => saidOnlyIn(text, other).map(({ from, to }) => text.slice(from, to));

test("what only one text says is found, from word to word", () => {
  assert.deepEqual(said("Tins only. Do not filter yet.", "Tins only."), ["Do not filter yet"]);
  assert.deepEqual(said("the same", "the same"), []);
  assert.deepEqual(said("the same!", "the same."), [], "a sign alone is nothing that is said");
  assert.deepEqual(said("", "anything"), []);
  assert.deepEqual(said("All done", ""), ["All done"]);
});

test("a comma does not cut what is new, the end of a line does, and words as `the` say nothing", () => {
  assert.deepEqual(said("look at batch, pallet of tins", "look at one of them"), ["batch, pallet", "tins"]);
  assert.deepEqual(said("first one\nother two", "old\nold"), ["first one", "other two"]);
  assert.deepEqual(said("the tin", "a tin"), []);
});
