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

test("of an answer in other words only what the other one does not speak of is told", () => {
  const used = "All three complaints name tins, and all orders left after the change of courier. I would look for orders that hold one tin. Compare the share of returns before you write to anybody.";
  const text = "Tins only, since the courier changed. But first see whether it makes a difference: write to nobody yet. If not, look at the tins: three dented ones can come from one pallet.";
  assert.deepEqual(said(text, used), ["first see whether it makes a difference", "dented ones can come from one pallet"]);
});
