import assert from "node:assert/strict";
import { test } from "node:test";
import { canReplay, isFromFile, isOnlyOpened, recordSentence } from "../src/store/opened.ts";
import { reduce } from "../src/store/reduce.ts";
import { stateOf, type NotebookState } from "../src/store/state.ts";
import type { WireEvent } from "../src/wire/events.ts";
import type { WayForecast } from "../src/wire/plan.ts";
import type { Cell, Notebook } from "../src/wire/shapes.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";

const HEADER = { id: "n", name: "N", created_at: "", updated_at: "", metadata: {}, state_keys: [] };

function cell(id: string, outputs: Cell["outputs"]): Cell {
  const status = outputs.length ? "completed" : "idle";
  return { id, type: "ComputationCell", content: "1", outputs, status, stale: false, stale_reasons: [] } as unknown as Cell;
}

const SHOWN = [{ type: "result", content: "1" }];

function opened(...cells: Cell[]): NotebookState {
  return stateOf({ ...HEADER, cells, ...NOTHING_UNDER_WAY } as Notebook, null, 0);
}

function after(state: NotebookState, ...events: object[]): NotebookState {
  return events.reduce<NotebookState>(
    (now, event) => reduce(now, { notebook_id: "n", sequence: now.sequence + 1, ...event } as WireEvent, 0),
    state,
  );
}

test("a notebook is only opened while it shows something and has no kernel", () => {
  assert.equal(isOnlyOpened(null), false);
  assert.equal(isOnlyOpened(opened(cell("a", []))), false);
  const state = opened(cell("a", SHOWN), cell("b", SHOWN));
  assert.equal(isOnlyOpened(state), true);
  const running = after(state, { event: "run_started", run_id: "r", cell_ids: ["a"], total: 1 });
  assert.equal(isOnlyOpened(running), false);
  const ended = { outputs: SHOWN, execution_count: 1, status: "completed", cell_id: "a", run_id: "r" };
  const done = after(
    running,
    { event: "cell_execution_started", cell_id: "a", run_id: "r" },
    { event: "cell_execution_completed", ...ended },
    { event: "run_ended", run_id: "r", not_run: [] },
  );
  assert.equal(done.kernel.state, "idle");
  assert.equal(isOnlyOpened(done), false);
  assert.deepEqual(["a", "b"].map((id) => isFromFile(done.cells.get(id)!, done.ran.has(id))), [false, true]);
});

test("a kernel that dies has ended, until it is restarted", () => {
  const state = after(
    opened(cell("a", [])),
    { event: "run_started", run_id: "r", cell_ids: ["a"], total: 1 },
    { event: "cell_execution_started", cell_id: "a", run_id: "r" },
  );
  assert.equal(state.kernel.state, "busy");
  const outputs = [{ type: "error", content: "KernelDied: it ended", ename: "KernelDied" }];
  const dead = after(
    state,
    { event: "cell_execution_failed", cell_id: "a", run_id: "r", outputs, execution_count: 1, status: "error" },
    { event: "run_ended", run_id: "r", not_run: [] },
  );
  assert.equal(dead.kernel.state, "ended");
  assert.equal(after(dead, { event: "kernel_restarted" }).kernel.state, "idle");
});

test("it is said how many answers are on record, and a replay needs all", () => {
  const way = (calls: number, asked_calls: number, missing: string[] = []) =>
    ({ mode: "reuse", calls, asked_calls, missing, stops: [] }) as unknown as WayForecast;
  assert.deepEqual(
    [way(12, 0), way(1, 0), way(12, 3), way(12, 11), way(2, 2), way(0, 0), undefined].map(recordSentence),
    ["All 12 are on record.", "The one prompt is on record.", "9 of 12 are on record.", "1 of 12 is on record.",
      "", "", ""],
  );
  assert.deepEqual([way(2, 0), way(2, 1, ["a"]), way(0, 0), undefined].map(canReplay), [true, false, false, false]);
});
