import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyed } from "../src/store/keyed.ts";
import { progressOf, reservedBy, secondsLeft, type Watched } from "../src/store/run-progress.ts";
import { newActivity, type Activity, type Run } from "../src/store/state.ts";
import type { CellForecast, RunForecast } from "../src/wire/plan.ts";
import type { Cell } from "../src/wire/shapes.ts";

const prompt = (fields: Partial<Cell> = {}) => ({ type: "PromptCell", status: "queued", outputs: [], ...fields }) as unknown as Cell;
const CELLS: Readonly<Record<string, Cell>> = {
  notes: prompt({ for_each: "rows" }), code: { type: "ComputationCell", status: "queued", outputs: [] } as unknown as Cell,
  check: prompt(), letter: prompt(),
};
const answering = (ended: number, total: number): Activity => ({
  ...newActivity(1000), items: { total, ended, failed: 0, excerpts: [], ends: Keyed.of(), again: Keyed.of() },
});
const run = (fields: Partial<Run> = {}): Run => ({
  id: "r", hasBegun: true, since: 0, cellIds: Object.keys(CELLS), ended: 0, total: 4, mode: "live", ...fields,
});
const asked = (cell_id: string, wave: number, expected_s: number | null, calls = 1) =>
  ({ cell_id, wave, expected_s, calls, asked_calls: calls, price_usd: 0.01, is_bound: true }) as CellForecast;
const forecast = (...cells: CellForecast[]) => ({ cells, mode: "live", ways: [] }) as unknown as RunForecast;
const watched = (activities: Record<string, Activity>, expected?: RunForecast, over: readonly string[] = []): Watched => ({
  cell: (id) => CELLS[id] && { ...CELLS[id], status: over.includes(id) ? "completed" : "queued" },
  activity: (id) => activities[id], forecast: () => expected,
});

test("a run is counted in prompts, each item of those over items among them", () => {
  const known = forecast(asked("notes", 1, 2, 9), asked("check", 2, 2));
  assert.deepEqual(progressOf([run()], watched({}, known)), { ended: 0, total: 11, ofPrompts: true });
  assert.deepEqual(progressOf([run()], watched({ notes: answering(4, 9) })), { ended: 4, total: 11, ofPrompts: true });
  assert.deepEqual(progressOf([run()], watched({}, known, ["notes", "code"])), { ended: 9, total: 11, ofPrompts: true });
  const ofCode = run({ cellIds: ["code"], ended: 1, total: 3 });
  assert.deepEqual(progressOf([ofCode], watched({})), { ended: 1, total: 3, ofPrompts: false });
});

test("what is left is the slowest of each wave, without what is over; it is not said where nothing is known", () => {
  const known = forecast(asked("notes", 1, 9, 9), asked("check", 2, 2), asked("letter", 2, 3));
  assert.equal(secondsLeft(run(), watched({}, known), 1000), 12);
  assert.equal(secondsLeft(run(), watched({ notes: answering(6, 9) }, known), 1000), 6);
  const late = watched({ check: newActivity(1000) }, known, ["notes", "letter"]);
  assert.equal(secondsLeft(run(), late, 1500), 1.5);
  assert.equal(secondsLeft(run(), late, 9000), 0);
  assert.equal(secondsLeft(run(), watched({}, forecast(asked("check", 1, null))), 0), null);
  assert.equal(secondsLeft(run(), watched({}), 0), null);
});

test("what is reserved is what the run that has the cell was expected to take", () => {
  const known = watched({}, forecast(asked("check", 1, 2)));
  assert.equal(reservedBy("check", [run()], known)?.price_usd, 0.01);
  assert.equal(reservedBy("letter", [run()], known), undefined);
  const ofOne = { ...asked("notes", 1, 2), input_tokens: 100 };
  const ofAll = reservedBy("notes", [run()], watched({ notes: answering(4, 9) }, forecast(ofOne)));
  assert.deepEqual([ofAll?.calls, ofAll?.input_tokens, ofAll?.price_usd], [9, 900, 0.09]);
  assert.equal(reservedBy("check", [run({ hasBegun: false })], known), undefined);
});
