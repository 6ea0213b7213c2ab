import assert from "node:assert/strict";
import { test } from "node:test";

import { runsOf } from "../src/inspector/aligned.ts";

const FRAME = "   city  sum\n0  Oslo    3\n1  Bergen  4\n";

test("a table within a text is told from what stands around it", () => {
  const text = `What is odd?\n\n${FRAME}\nAnswer  briefly.\n- a\n- b`;
  const runs = runsOf(text);
  assert.equal(runs.map((run) => run.text).join(""), text);
  assert.deepEqual(runs.map((run) => run.isTable), [false, true, false]);
  assert.equal(runs[1]?.text, FRAME);
});

test("a text without one is one run, and so is an empty one", () => {
  for (const text of ["", "one", "a  b\nc  d\nprose\n\n  indented\n    more\n"]) {
    assert.deepEqual(runsOf(text), [{ text, isTable: false }]);
  }
});
