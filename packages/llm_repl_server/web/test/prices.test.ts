import assert from "node:assert/strict";
import { test } from "node:test";
import { withName } from "../src/prompt/field-names.ts";
import { formFields } from "../src/prompt/short-form.ts";
import { planInShort, planTitle, priceText, priceWords, wayPrice } from "../src/store/prices.ts";
import type { WayForecast } from "../src/wire/plan.ts";

const takes = { calls: 1, onRecord: 0, priceUsd: 0.0021, isBound: true, isKnown: true };

test("a price is an upper bound, unknown, or free, and never $0", () => {
  assert.equal(priceText(0.0021, true), "≤ $0.003");
  assert.equal(priceText(0.0021, false), "≈ $0.003");
  assert.equal(priceText(null, true), "no price known");
  assert.equal(priceText(0, true), "free");
});

test("what a prompt takes, in each mode", () => {
  assert.deepEqual(priceWords("live", takes), { price: "≤ $0.003", record: "", warns: false });
  assert.equal(priceWords("reuse", takes).price, "new, ≤ $0.003");
  assert.equal(priceWords("reuse", { ...takes, onRecord: 1 }).record, "on record: free");
  assert.equal(priceWords("replay", { ...takes, onRecord: 1 }).record, "on record");
  assert.deepEqual(priceWords("replay", takes), { price: "", record: "not on record: would stop", warns: true });
  const some = priceWords("reuse", { ...takes, calls: 9, onRecord: 8, priceUsd: 0.09 });
  assert.deepEqual(some, { price: "≤ $0.01", record: "1 new, 8 on record", warns: false });
  assert.equal(priceWords("reuse", { ...takes, isKnown: false, isBound: false }).price, "≈ $0.003");
});

const way: WayForecast = {
  mode: "reuse", waves: 2, calls: 12, asked_calls: 3, price_usd: 0.034, is_bound: true, unpriced: [],
  expected_s: 6, missing: [], stops: [],
};

test("a plan in short, and its title", () => {
  assert.equal(planInShort(way, []), "3 new, ≤ $0.04");
  assert.equal(planInShort({ ...way, asked_calls: 0 }, []), "12 on record, free");
  assert.equal(planInShort({ ...way, mode: "live", asked_calls: 12 }, []), "12 calls, ≤ $0.04");
  assert.equal(planInShort({ ...way, missing: ["b"], mode: "replay" }, ["a", "b"]), "stops at cell 2");
  assert.equal(planInShort({ ...way, calls: 0, asked_calls: 0 }, []), "no prompts");
  assert.equal(planTitle(way, "reuse"), "12 prompts: 9 on record, 3 new");
  assert.equal(wayPrice({ ...way, price_usd: null, unpriced: ["x"] }), "no price known");
  assert.equal(wayPrice({ ...way, unpriced: ["x"] }), "≤ $0.04 and what has no known price");
});

test("a field names another variable, and nothing else changes", () => {
  const text = "Which of {order}? {order.order!r} order";
  assert.equal(withName(text, "{order}", "order", "orders"), "Which of {orders}? {order.order!r} order");
  assert.equal(withName(text, "{order.order!r}", "order", "orders"), "Which of {order}? {orders.order!r} order");
});

test("the fields of a form", () => {
  assert.deepEqual(formFields("name, age int, tags[], scores[] float, mood (happy|sad)"), [
    { name: "name", type: "text" },
    { name: "age", type: "whole number" },
    { name: "tags", type: "list of texts" },
    { name: "scores", type: "list of numbers" },
    { name: "mood", type: "happy or sad" },
  ]);
  assert.equal(formFields("Person"), null);
  assert.deepEqual(formFields({ properties: { a: { type: "string" } } }), [{ name: "a", type: "string" }]);
});
