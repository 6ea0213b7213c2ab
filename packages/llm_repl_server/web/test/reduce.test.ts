import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { wholeText } from "../src/store/pieces.ts";
import { reduce } from "../src/store/reduce.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";
import { stateOf, type NotebookState } from "../src/store/state.ts";
import type { WireEvent } from "../src/wire/events.ts";
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

let sequence = 0;
beforeEach(() => (sequence = 0));

function run(event: object): WireEvent {
  return { notebook_id: "n", run_id: "r", epoch: "e", sequence: ++sequence, ...event } as WireEvent;
}

function after(start: NotebookState, ...events: WireEvent[]): NotebookState {
  return events.reduce((so_far, event) => reduce(so_far, event, 1000), start);
}

/** The texts of the answers of cell a, by item. */
function textsOf(state: NotebookState): string[] {
  const { texts, length } = state.growing.get("a")!;
  return Array.from({ length }, (_, item) => wholeText(texts.get(String(item)) ?? []));
}

test("a cell is queued, runs, gives output, and ends with what its ending says", () => {
  const outputs = [{ type: "stdout", content: "ab" }];
  const queued = after(state(cell("a")), run({ event: "run_started", cell_ids: ["a"], total: 1 }));
  assert.equal(queued.cells.get("a")?.status, "queued");
  const running = after(
    queued,
    run({ event: "cell_execution_started", cell_id: "a" }),
    run({ event: "cell_execution_output", cell_id: "a", index: 0, output: { type: "stdout", content: "a" } }),
    run({ event: "cell_execution_output", cell_id: "a", index: 0, output: { type: "stdout", content: "b" } }),
  );
  assert.deepEqual(running.cells.get("a")?.outputs, outputs);
  assert.equal(running.activities.get("a")?.since, 1000);
  const ended = after(
    running,
    run({ event: "cell_execution_completed", cell_id: "a", outputs, execution_count: 3, status: "completed" }),
    run({ event: "run_ended", state: "completed", error: null, cell_id: null, not_run: [] }),
  );
  assert.equal(ended.cells.get("a")?.execution_count, 3);
  assert.equal(ended.activities.size, 0);
  assert.deepEqual(ended.runs, []);
});

test("what a run did not come to is idle again", () => {
  const ended = after(
    state(cell("a"), cell("b")),
    run({ event: "run_started", cell_ids: ["a", "b"], total: 2 }),
    run({ event: "run_ended", state: "failed", error: "x", cell_id: "a", not_run: ["b"] }),
  );
  assert.equal(ended.cells.get("b")?.status, "idle");
});

test("the text of an answer grows by item, and is void when the call is tried again", () => {
  const answering = after(
    state(cell("a", { type: "PromptCell" })),
    run({ event: "cell_execution_started", cell_id: "a" }),
    run({ event: "cell_execution_text", cell_id: "a", text: "x", item: 1 }),
    run({ event: "cell_execution_text", cell_id: "a", text: "y", item: 1 }),
    run({ event: "cell_execution_text", cell_id: "a", text: "z", item: 0 }),
  );
  assert.deepEqual(textsOf(answering), ["z", "xy"]);
  assert.equal(answering.growing.get("a")?.words, 2);
  assert.equal(answering.activities.get("a")?.hasText, true);
  const again = after(
    answering,
    run({ event: "cell_execution_retried", cell_id: "a", attempt: 1, error: "busy", wait_s: 2, attempts: 4, item: 1 }),
  );
  assert.deepEqual(textsOf(again), ["z", ""]);
  assert.equal(again.growing.get("a")?.words, 1);
  assert.deepEqual(again.activities.get("a")?.retry, { attempt: 1, error: "busy", at: 3000, attempts: 4 });
});

test("a stream that goes back gives way to what stands there now", () => {
  const shown = after(
    state(cell("a", { outputs: [{ type: "stdout", content: "one\ntwo\nthree" }] })),
    run({ event: "cell_output_updated", cell_id: "a", index: 0, output: { type: "stdout", content: "2\n3" }, lines: 2 }),
  );
  assert.equal(shown.cells.get("a")?.outputs[0]?.content, "one\n2\n3");
});

test("what was read already changes nothing, nor does another notebook's event", () => {
  const start = state(cell("a"));
  const first = run({ event: "cells_stale", cell_ids: ["a"], reasons: {} });
  const stale = after(start, first);
  assert.equal(stale.cells.get("a")?.stale, true);
  assert.equal(reduce(stale, { ...first, cell_ids: [] } as WireEvent, 0), stale);
  assert.equal(reduce(start, { ...first, notebook_id: "m" }, 0), start);
});

test("a cell that a run did not come to is what it was, for who heard all and for who reads it now", () => {
  const before = cell("b", { status: "completed", execution_count: 1 });
  const started = run({ event: "run_started", cell_ids: ["a", "b"], total: 2, mode: "live" });
  const heard = after(state(cell("a"), before), started);
  const header = { id: "n", name: "N", created_at: "", updated_at: "", metadata: {}, state_keys: [] };
  const under_way = {
    run_id: "r", state: "running", cell_ids: ["a", "b"], waiting_cell_ids: ["a", "b"],
    started_at: "1970-01-01T00:00:01Z", ended: 0, total: 2, mode: "live",
  } as const;
  const cells = [cell("a"), before];
  const read = stateOf({ ...header, cells, ...NOTHING_UNDER_WAY, sequence: 1, runs: [under_way] }, null, 0);
  assert.deepEqual(read, heard);
  const ended = run({ event: "run_ended", state: "failed", error: "x", cell_id: "a", not_run: ["b"] });
  assert.equal(after(read, ended).cells.get("b")?.status, "completed");
});

test("why a cell is stale is known from the event, and forgotten when it runs", () => {
  const reason = {
    kind: "variable", cell_id: "b", cell_number: null, variable: "x", field: null, was: "1", now: "2",
  } as const;
  const told = after(state(cell("a")), run({ event: "cells_stale", cell_ids: ["a"], reasons: { a: [reason] } }));
  assert.deepEqual(told.cells.get("a")?.stale_reasons, [reason]);
  const again = after(told, run({ event: "stale_reasons_changed", cell_ids: ["a"], reasons: {} }));
  assert.deepEqual(again.cells.get("a")?.stale_reasons, [reason]);
  const ran = after(again, run({ event: "cell_execution_started", cell_id: "a" }));
  assert.deepEqual(ran.cells.get("a")?.stale_reasons, []);
});

test("an answer that is under way is there at once, and what was read is not added again", () => {
  const header = { id: "n", name: "N", created_at: "", updated_at: "" };
  const partial_answers = [{ cell_id: "a", item: null, text: "one two ", reasoning: "hm" }];
  const cells = [cell("a", { type: "PromptCell", status: "running" })];
  const read = stateOf({ ...header, metadata: {}, cells, state_keys: [], ...NOTHING_UNDER_WAY, sequence: 2, partial_answers, running_cells: [{ cell_id: "a", run_id: "r", started_at: "1970-01-01T00:00:00Z" }] }, null, 5);
  const pieces = ["one ", "two ", "three"].map((text) =>
    run({ event: "cell_execution_text", cell_id: "a", text, item: null }),
  );
  const state = after(read, ...pieces);
  assert.deepEqual(textsOf(state), ["one two three"]);
  assert.equal(state.growing.get("a")?.words, 3);
  assert.deepEqual(state.growing.get("a")?.reasoning, ["hm"]);
});

test("cells are made, moved and deleted where the event says", () => {
  const made = after(state(cell("a"), cell("b")), run({ event: "cell_created", position: 1, cell: cell("c") }));
  assert.deepEqual(made.order, ["a", "c", "b"]);
  const moved = after(made, run({ event: "cell_moved", cell_id: "c", position: 2 }));
  assert.deepEqual(moved.order, ["a", "b", "c"]);
  const twice = after(moved, run({ event: "cell_created", position: 2, cell: cell("c") }));
  assert.deepEqual(twice.order, ["a", "b", "c"]);
  const deleted = after(twice, run({ event: "cell_deleted", cell_id: "a" }));
  assert.deepEqual(deleted.order, ["b", "c"]);
});

test("the items of a prompt end in any order, are asked again, and who hears it late knows the same", () => {
  const end = (item: number, fields: object = {}) =>
    ({ item, ename: null, error: null, price_usd: 0.001, is_asked: true, ...fields });
  const failure = { ename: "AnswerMisfit", error: "It does not fit.", price_usd: 0.002 };
  const begun = after(
    state(cell("a", { type: "PromptCell", for_each: "rows" })),
    run({ event: "run_started", cell_ids: ["a"], total: 1, mode: "live" }),
    run({ event: "cell_execution_started", cell_id: "a" }),
    run({ event: "cell_items_started", cell_id: "a", total: 4, excerpts: ["x", "y", "z", "w"] }),
    run({ event: "cell_execution_retried", cell_id: "a", attempt: 1, error: "no fit", wait_s: 0, attempts: 0, item: 1 }),
    run({ event: "cell_item_ended", cell_id: "a", ...end(2), ended: 1, failed: 0, total: 4 }),
  );
  const items = begun.activities.get("a")?.items;
  assert.deepEqual([items?.total, items?.ended, items?.excerpts], [4, 1, ["x", "y", "z", "w"]]);
  assert.equal(items?.again.has("1"), true);
  const over = after(begun, run({ event: "cell_item_ended", cell_id: "a", ...end(1, failure), ended: 2, failed: 1, total: 4 }));
  const known = over.activities.get("a")!.items!;
  assert.deepEqual([known.failed, known.again.has("1"), known.ends.get("1")?.error], [1, false, "It does not fit."]);
  const under_way = { cell_id: "a", total: 4, ended: 2, failed: 1, excerpts: ["x", "y", "z", "w"], items: [end(2), end(1, failure)] };
  const read = stateOf({
    id: "n", name: "N", created_at: "", updated_at: "", metadata: {}, state_keys: [], ...NOTHING_UNDER_WAY,
    cells: [...over.cells.values()], items_under_way: [under_way],
    running_cells: [{ cell_id: "a", run_id: "r", started_at: "1970-01-01T00:00:01Z" }],
  }, null, 1000);
  assert.deepEqual(read.activities.get("a")?.items, known);
});

test("whose call waits is one place further with each that is sent before it, in whatever cell", () => {
  const queued = (id: string, item: number | null, place: number, provider = "p") =>
    run({ event: "cell_call_queued", cell_id: id, limit: "provider", provider, at_once: 2, place, item });
  const waiting = after(
    state(cell("a", { type: "PromptCell" }), cell("b", { type: "PromptCell" })),
    queued("a", 0, 1), queued("a", 1, 2), queued("b", null, 3), queued("b", 7, 3, "other"),
  );
  const sent = after(waiting, run({ event: "cell_call_sent", cell_id: "a", item: 0 }));
  const placesOf = (id: string) => [...(sent.activities.get(id)?.queued ?? [])].map(([item, { place }]) => [item, place]);
  assert.deepEqual([placesOf("a"), placesOf("b")], [[[1, 1]], [[0, 2], [7, 3]]]);
});
