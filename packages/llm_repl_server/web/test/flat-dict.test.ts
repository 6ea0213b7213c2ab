import assert from "node:assert/strict";
import { test } from "node:test";
import { flatDict } from "../src/outputs/flat-dict.ts";

test("a dict of few short values becomes a table", () => {
  assert.deepEqual(flatDict("{'40': 0, '41': 1}"), [["40", "0"], ["41", "1"]]);
  assert.deepEqual(flatDict("{1: -2.5, \"it's\": True, 'n': None}"), [["1", "-2.5"], ["it's", "True"], ["n", "None"]]);
});

test("everything else stays text", () => {
  const long = `{${Array.from({ length: 17 }, (_, at) => `${at}: 1`).join(", ")}}`;
  for (const text of ["", "{}", "{1}", "[1]", "{'a': [1]}", "{'a': {}}", "{'a': 1, ...}", "{'a': 1", "{'a\\'': 1}", "{'a': 'a rather long text'}", long]) {
    assert.equal(flatDict(text), null, text);
  }
});
