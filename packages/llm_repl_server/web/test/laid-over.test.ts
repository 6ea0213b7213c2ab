import assert from "node:assert/strict";
import { test } from "node:test";
import { withEdits, type QueuedEdit } from "../src/store/edits.ts";
import { layOver } from "../src/store/laid-over.ts";
import { stateOf, type NotebookState } from "../src/store/state.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";
import type { Cell } from "../src/wire/shapes.ts";

function cell(id: string, fields: Partial<Cell> = {}): Cell {
  return {
    id, type: "ComputationCell", content: "", outputs: [], status: "idle", execution_count: null,
    stale: false, stale_reasons: [], pinned: false, skipped: false, metadata: {}, version: "1", ...fields,
  };
}

function state(...cells: Cell[]): NotebookState {
  const header = { id: "n", name: "N", created_at: "", updated_at: "" };
  return stateOf({ ...header, metadata: {}, cells, state_keys: [], ...NOTHING_UNDER_WAY }, null, 0);
}

test("the cells stay the same objects while words of answers come, and change with an edit", () => {
  const lay = layOver();
  const server = state(cell("a"), cell("b"));
  const queue: readonly QueuedEdit[] = [
    { number: 1, edit: { kind: "change", cellId: "a", fields: { content: "typed" }, version: null } },
  ];
  const first = lay(server, queue);
  assert.deepEqual(first, withEdits(server, queue));
  const later = { ...server, activities: new Map() };
  assert.equal(lay(later, queue).cells, first.cells);
  assert.equal(lay(later, queue).activities, later.activities);
  const changed = { ...later, cells: new Map(server.cells).set("b", { ...cell("b"), content: "theirs" }) };
  assert.deepEqual(lay(changed, queue), withEdits(changed, queue));
  const gone: readonly QueuedEdit[] = [{ number: 2, edit: { kind: "delete", cellId: "a" } }];
  assert.deepEqual(lay(lay(server, gone), gone), withEdits(server, gone));
  assert.equal(lay(server, []), server);
});
