import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "../src/store/merge.ts";
import { markedParts } from "../src/store/merge-marks.ts";

test("the words of each side are marked as theirs, and all of it is still the text", () => {
  const [before, here, there] = ["Say in short how.", "Say kindly in short how.", "Say in one sentence how."];
  const together = merge(before, here, there).text;
  const marked = markedParts(together, before, here, there);
  assert.equal(marked.map(({ text }) => text).join(""), together);
  const of = (side: string) => marked.filter(({ from }) => from === side).map(({ text }) => text.trim());
  assert.deepEqual(of("here"), ["kindly"]);
  assert.deepEqual(of("there"), ["one sentence"]);
});

test("what both have, and what was typed since, is nobody's", () => {
  assert.deepEqual(markedParts("a b", "a", "a b", "a b"), [{ text: "a b", from: null }]);
  assert.deepEqual(markedParts("a c", "a", "a", "a"), [{ text: "a c", from: null }]);
  assert.deepEqual(markedParts("", "a", "", "a"), []);
});
