import assert from "node:assert/strict";
import { test } from "node:test";
import { orderBy, pieces, sortNotebooks } from "../src/store/list-order.ts";
import { beginningMetadata, readBeginning } from "../src/store/new-notebooks.ts";
import type { Overview } from "../src/wire/search.ts";

const summary = (id: string, name: string, updated_at: string) => ({ id, name, created_at: "", updated_at, cell_count: 1 });
const ALL = [summary("1", "Week 10", "2026-01-02"), summary("2", "Week 9", "2026-01-03"), summary("3", "week 8", "2026-01-01")];
const overviews = new Map([["3", { spent_usd: 2 } as Overview], ["1", { spent_usd: 1 } as Overview]]);
const names = (by: "name" | "spent" | "edited", isDown: boolean) =>
  sortNotebooks(ALL, overviews, { by, isDown }).map(({ name }) => name);

test("notebooks are sorted as people count, and the same order turned", () => {
  assert.deepEqual(names("name", false), ["week 8", "Week 9", "Week 10"]);
  assert.deepEqual(names("edited", true), ["Week 9", "Week 10", "week 8"]);
  assert.deepEqual(names("spent", true), ["week 8", "Week 10", "Week 9"]);
  assert.deepEqual(orderBy("name", { by: "edited", isDown: true }), { by: "name", isDown: false });
  assert.deepEqual(orderBy("name", { by: "name", isDown: false }), { by: "name", isDown: true });
});

test("marks count characters, not halves of them", () => {
  assert.deepEqual(pieces({ text: "🙂 Äpfel hier", marks: [[2, 7]] }), [["🙂 ", false], ["Äpfel", true], [" hier", false]]);
  assert.deepEqual(pieces({ text: "", marks: [] }), []);
  assert.deepEqual(pieces({ text: "ab", marks: [[0, 1], [1, 2]] }), [["a", true], ["b", true]]);
});

test("what new notebooks begin with is read whatever was kept", () => {
  for (const text of [null, "", "{", "3", "null", '{"mode":"x","budgetUsd":-1}']) {
    assert.equal(beginningMetadata(readBeginning(text)), undefined, String(text));
  }
  const kept = readBeginning('{"mode":"reuse","budgetUsd":2}');
  assert.deepEqual(beginningMetadata(kept), { llm_repl: { mode: "reuse", budget: { usd: 2 } } });
});
