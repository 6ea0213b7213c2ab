import assert from "node:assert/strict";
import { test } from "node:test";
import { askedFor, changedWords, choicesOf } from "../src/cells/answer-shape.ts";
import { rowState, sortedByState, type UnderWay } from "../src/cells/item-state.ts";
import type { ItemEnd } from "../src/wire/items.ts";
import type { Output } from "../src/wire/shapes.ts";

const answer = (fields: Partial<Output> = {}): Output => ({ type: "llm_response", content: "", ...fields });

const underWay = (fields: Partial<UnderWay>): UnderWay => ({ text: undefined, end: undefined, isAgain: false, ...fields });

test("how many words an edit has changed", () => {
  assert.equal(changedWords("one two three", "one two three"), 0);
  assert.equal(changedWords("one two three", "one 2 three"), 1);
  assert.equal(changedWords("one two three", "one three"), 1);
  assert.equal(changedWords("one", "one two three"), 2);
  assert.equal(changedWords("one two", "one  two"), 1);
  assert.equal(changedWords("", "a b"), 2);
});

test("what was asked for: from a schema and from the short form", () => {
  const schema = {
    properties: {
      due: { type: "string", format: "date" },
      cost: { type: "number", description: "euros a week" },
      sure: { enum: ["low", "high"] },
    },
  };
  assert.deepEqual([...askedFor(schema)], [["due", "date"], ["cost", "number, euros a week"], ["sure", "low, high"]]);
  assert.deepEqual([...askedFor(JSON.stringify(schema))], [...askedFor(schema)]);
  assert.deepEqual([...askedFor("name, age int, tags[]")], [["name", "text"], ["age", "whole number"], ["tags", "list of text"]]);
  assert.deepEqual([...askedFor("Person")], []);
  assert.deepEqual([...askedFor("{broken")], []);
  assert.deepEqual(choicesOf(schema, "sure"), ["low", "high"]);
  assert.deepEqual(choicesOf("name", "name"), []);
});

test("items that want somebody come first", () => {
  const failure = { item: 1, ename: "AnswerMisfit", error: "no" };
  const states = [
    rowState(answer({ source: "reuse" }), undefined, null),
    rowState(undefined, failure, null),
    rowState(answer(), undefined, null),
    rowState(undefined, undefined, underWay({ text: "so far" })),
    rowState(undefined, undefined, underWay({})),
    rowState(undefined, undefined, null),
    rowState(answer({ edited: { id: "e", at: "", original: { content: "" } } }), undefined, null),
  ];
  assert.deepEqual(states, ["recorded", "failed", "asked", "answering", "queued", "stopped", "edited"]);
  assert.deepEqual(sortedByState(states), [1, 5, 3, 4, 6, 2, 0]);
});

test("an item that has ended says so before its output comes, which is in the order of the items", () => {
  const end = (fields: Partial<ItemEnd>) =>
    rowState(undefined, undefined, underWay({ text: "{", end: { item: 2, ename: null, error: null, price_usd: 0.1, is_asked: true, ...fields } }));
  assert.deepEqual([end({}), end({ is_asked: false }), end({ error: "no" })], ["asked", "recorded", "failed"]);
  assert.equal(rowState(undefined, undefined, underWay({ text: "{", isAgain: true })), "again");
});
