import assert from "node:assert/strict";
import { test } from "node:test";
import { alike, withCandidate, type AskedColumn } from "../src/store/asked-columns.ts";
import type { WireEvent } from "../src/wire/events.ts";

const column = (fields: Partial<AskedColumn> = {}): AskedColumn => ({
  comparison: "c", candidate: 0, state: "running", model: "m", text: "", call_id: null, provider: null,
  answered_by: null, duration_s: null, output_tokens: null, finish_reason: null, error: null, since: 0, ...fields,
});

const event = (fields: object): WireEvent =>
  ({ notebook_id: "n", cell_id: "x", run_id: "c", sequence: 1, candidate: 0, item: null, ...fields }) as WireEvent;

test("the words of each of those that are asked go to its column", () => {
  let columns: readonly AskedColumn[] = [column(), column({ candidate: 1 }), column({ comparison: "other" })];
  columns = withCandidate(columns, event({ event: "candidate_text", text: "one " }));
  columns = withCandidate(columns, event({ event: "candidate_text", candidate: 1, text: "two" }));
  columns = withCandidate(columns, event({ event: "candidate_retried", candidate: 1, error: "429" }));
  columns = withCandidate(columns, event({ event: "candidate_ended", state: "failed", error: "no" }));
  columns = withCandidate(columns, event({ event: "candidate_text", text: "late" }));
  assert.deepEqual(columns.map(({ text, state }) => [text, state]), [["one ", "failed"], ["", "running"], ["", "running"]]);
});

test("equal answers of one model are one column", () => {
  const same = { state: "completed", text: "a" } as const;
  const columns = [column(same), column({ ...same, candidate: 1 }), column({ ...same, model: "other" }), column()];
  assert.deepEqual(alike(columns).map(({ times }) => times), [2, 1, 1]);
});
