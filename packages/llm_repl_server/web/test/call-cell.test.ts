import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOfCall } from "../src/store/call-cell.ts";

test("what was asked becomes a cell that asks the same, with braces that are text", () => {
  const request = {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "First {a}" },
      { role: "assistant", content: "yes" },
      { role: "user", content: [{ type: "text", text: "Second" }, { type: "image", data: "…" }] },
    ],
    temperature: 0,
  };
  assert.deepEqual(cellOfCall(request, "lab/a"), {
    content: "First {{a}}\n\nSecond", model: "lab/a", system: "Be brief.", temperature: 0,
  });
});

test("of a call without words no cell is made", () => {
  assert.equal(cellOfCall({}, "m"), null);
  assert.equal(cellOfCall({ messages: [{ role: "user", content: null }] }, "m"), null);
});
