import assert from "node:assert/strict";
import { test } from "node:test";
import { stateOf } from "../src/store/state.ts";
import { endedMeanwhile, lookAway, tabState } from "../src/store/tab.ts";
import type { Notebook } from "../src/wire/shapes.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";

function notebook(...cells: readonly (readonly [id: string, status: string, count: number])[]) {
  const shaped = cells.map(([id, status, execution_count]) => ({ id, type: "ComputationCell", status, execution_count, outputs: [] }));
  return stateOf({ id: "n", name: "n", ...NOTHING_UNDER_WAY, cells: shaped } as unknown as Notebook, null, 0);
}

test("what needs a person comes before what failed, and that before what runs", () => {
  assert.equal(tabState({ asking: true, failed: true, running: true }), "asks");
  assert.equal(tabState({ asking: false, failed: true, running: true }), "failed");
  assert.equal(tabState({ asking: false, failed: false, running: true }), "running");
  assert.equal(tabState({ asking: false, failed: false, running: false }), "quiet");
});

test("what ended meanwhile: what was under way, and what was run since", () => {
  const before = lookAway(notebook(["a", "running", 0], ["b", "idle", 0], ["c", "completed", 1], ["d", "queued", 0]), 0);
  const now = notebook(["a", "completed", 1], ["b", "error", 1], ["c", "completed", 1], ["d", "running", 1], ["new", "completed", 1]);
  assert.deepEqual(endedMeanwhile(before, now), { ended: ["a", "b"], failed: ["b"] });
});
