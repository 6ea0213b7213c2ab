import assert from "node:assert/strict";
import { test } from "node:test";
import { axisOf } from "../src/calls/waterfall.ts";
import { arcsOf } from "../src/graph/layout.ts";
import { plain, queueSentence, staleSentence } from "../src/store/reasons.ts";
import { statusOf } from "../src/store/status.ts";
import { newActivity } from "../src/store/state.ts";
import { withHeld, withoutImplied } from "../src/store/held.ts";
import { wavesOf } from "../src/store/waves.ts";
import type { Call, Cell, GraphEdge } from "../src/wire/shapes.ts";
import type { StaleReason } from "../src/wire/stale.ts";

const NUMBERS: Record<string, number> = { a: 1, b: 2 };
const say = (reason: Partial<StaleReason> & { kind: StaleReason["kind"] }) =>
  plain(
    staleSentence({ cell_id: null, cell_number: null, variable: null, field: null, was: null, now: null, ...reason }),
    (id) => NUMBERS[id] ?? 0,
  );

test("each reason of staleness is a short sentence", () => {
  assert.equal(say({ kind: "variable", cell_id: "a", variable: "city", was: "Oslo", now: "Bergen" }), "city was Oslo, is Bergen");
  assert.equal(say({ kind: "variable", cell_id: "a", variable: "city", now: "Bergen" }), "city is now Bergen");
  assert.equal(say({ kind: "variable", cell_id: "a", variable: "city" }), "cell 1 city ran again");
  assert.equal(say({ kind: "edited", cell_id: "b", variable: "city" }), "cell 2 city was edited");
  assert.equal(say({ kind: "deleted", cell_id: "x", cell_number: 4, variable: "city" }), "cell 4, which set city, was deleted");
  assert.equal(say({ kind: "moved", cell_id: "a" }), "it was moved");
  assert.equal(say({ kind: "own_edit", field: "content" }), "the text was edited");
  assert.equal(say({ kind: "own_edit", field: "tools", was: "", now: "find" }), "a tool was added: find");
  assert.equal(say({ kind: "own_edit", field: "model", was: "one", now: "two" }), "the model was one, is two");
  assert.equal(say({ kind: "notebook", field: "system", now: "Be brief" }), "the notebook’s system text was edited");
});

function cell(fields: Partial<Cell>): Cell {
  return {
    id: "c", type: "PromptCell", content: "x", outputs: [], status: "idle", execution_count: null, stale: false,
    stale_reasons: [], pinned: false, skipped: false, metadata: {}, version: "1", ...fields,
  };
}

const told = (one: Cell, activity = newActivity(0), around = {}) => {
  const status = statusOf(one, activity, { now: 8000, ...around });
  return status && `${status.word}: ${plain(status.reason, (id) => NUMBERS[id] ?? 0)}`;
};

test("every state has its word and its reason", () => {
  const running = cell({ status: "running" });
  const budget = "BudgetExceeded: The notebook's budget of $1.00 has too little left for this call: $0.97 spent, $0.01 "
    + "reserved by calls under way, and it may take $0.03; set the budget's `usd` higher to go on.";
  assert.equal(told(cell({})), "Not run yet: ");
  assert.equal(told(cell({ status: "queued" }), undefined, { place: 3 }), "Queued: place 3");
  assert.equal(
    told(cell({ status: "queued" }), undefined, { needs: [{ cell_id: "b", variable: "city" }] }), "Waiting: for cell 2 city",
  );
  assert.equal(told(cell({ type: "ComputationCell", status: "running" }), newActivity(5700)), "Running: 2.3 s");
  assert.equal(told(running, newActivity(1)), "Answering: thinks, 7 s");
  assert.equal(told(running, newActivity(6000), { words: 3 }), "Answering: 3 words, 2.0 s");
  assert.equal(
    told(running, { ...newActivity(1), retry: { attempt: 1, error: "busy", at: 12000, attempts: 4 } }),
    "Answering: tries again in 4 s, 2 of 4",
  );
  assert.equal(
    told(running, { ...newActivity(1), queued: new Map([[0, { limit: "provider", provider: "openai", place: 3, at_once: 2 }]]) }),
    "Queued: place 3: openai gets 2 calls at once from this server",
  );
  assert.equal(
    told(running, { ...newActivity(1), approvals: [{ callId: "1", name: "find", arguments: '{"name": "Swift"}' }] }),
    'Needs you: call find("Swift")?',
  );
  assert.equal(
    told(cell({ status: "error", outputs: [{ type: "error", ename: "BudgetExceeded", content: budget }] })),
    "Not sent: may take $0.03, the budget has $0.020 left",
  );
  const failure = { type: "error", ename: "KeyRejected", content: "KeyRejected: `lab` does not accept the key." } as const;
  const refused = statusOf(cell({ status: "error", outputs: [failure] as unknown as Cell["outputs"] }), undefined, { now: 0 });
  assert.deepEqual(refused?.reason, ["", { code: "lab" }, " does not accept the key."]);
  assert.deepEqual(refused?.ways, ["settings", "runAgain"]);
  assert.equal(
    told(cell({ status: "interrupted", outputs: [{ type: "llm_response", content: "one two" }] })),
    "Stopped by you: after 2 words, which are kept",
  );
  assert.equal(told(cell({}), undefined, { isKeptHere: true }), "Kept here: not connected; is sent when the server is back");
  assert.equal(told(cell({}), undefined, { isInConflict: true }), "Conflict: changed in another window");
  assert.equal(told(cell({ status: "completed", outputs: [{ type: "llm_response", content: "a", source: "reuse" }] })), ": ");
});

test("a call that waits for others says how many there are at once", () => {
  const parts = queueSentence({ limit: "run", provider: "openai", place: 2, at_once: 4 });
  assert.equal(plain(parts, () => 0), "place 2: this run asks 4 at once");
  const paused = queueSentence({ limit: "provider", provider: "lab", place: 1, at_once: null, pause_s: 290.4 });
  assert.equal(plain(paused, () => 0), "place 1: lab asked for a pause of 4 min 50 s");
});

const edge = (source: string, target: string, kind: GraphEdge["kind"] = "variable"): GraphEdge => ({
  source, target, kind, variable: kind === "variable" ? source : null,
});

test("prompts are in the wave behind the last that they need, through code as well", () => {
  const edges = [edge("a", "b"), edge("b", "c"), edge("a", "d"), edge("e", "a", "in_the_way")];
  assert.deepEqual(wavesOf(["a", "b", "c", "d", "e"], (id) => id !== "b", edges), [["a", "e"], ["c", "d"]]);
  assert.deepEqual(wavesOf([], () => true, []), []);
});

test("arcs join variables, and those of the focused cell are named", () => {
  const places = new Map(["a", "b", "c"].map((id, at) => [id, { x: 130, y: 100 * at }]));
  const edges = [
    edge("a", "b"), { ...edge("a", "b"), variable: "more" }, edge("a", "c", "barrier"), edge("b", "c", "barrier"),
  ];
  const arcs = arcsOf(edges, places, ["a", "b", "c"], "b", 130);
  assert.equal(arcs.length, 3);
  assert.deepEqual(arcs.filter((arc) => arc.label).map((arc) => arc.label?.lines), [["a, more"], ["barrier"]]);
  assert.equal(arcs.filter((arc) => arc.isStrong).length, 2);
  assert.ok(arcs.every((arc) => !arc.path.includes("NaN")));
});

test("names of arcs stay between the window's edge and the gutter, and do not stand on one another", () => {
  const places = new Map(["a", "b", "c"].map((id, at) => [id, { x: 130, y: 10 * at }]));
  const long = (variable: string): GraphEdge => ({ ...edge("a", "b"), variable });
  const edges = [..."1234".split("").map((digit) => long(`find_orders_of_week_${digit}`)), edge("b", "c")];
  const labels = arcsOf(edges, places, ["a", "b", "c"], "b", 130).flatMap(({ label }) => label ?? []);
  assert.deepEqual(labels.map(({ lines }) => lines.length).sort(), [1, 3]);
  for (const { lines, x } of labels) assert.ok(x <= 126 && lines.every((line) => line.trim().length * 7.5 <= x));
  const [one, other] = labels.toSorted((a, b) => a.y - b.y);
  assert.ok(one!.y + 16 * one!.lines.length <= other!.y);
});

test("what waits for a prompt with tools is told, unless it needs what that makes", () => {
  const node = (id: string, holds_order = false) => ({ id, barrier: null, holds_order });
  const nodes = [node("a"), node("b", true), node("c"), node("d"), node("e", true), node("f")];
  const edges = [edge("a", "b"), edge("a", "b", "barrier"), edge("b", "d")];
  const held = withHeld({ nodes, edges, stale: [] }, () => true);
  const added = held.edges.slice(edges.length).map(({ source, target }) => `${source}${target}`);
  assert.deepEqual(added, ["bc", "be", "ef"]);
  assert.deepEqual(wavesOf(["a", "b", "c", "d", "e", "f"], () => true, held.edges), [["a"], ["b"], ["c", "d", "e"], ["f"]]);
  assert.deepEqual(withoutImplied(held.edges, "b").filter(({ kind }) => kind === "barrier"), []);
  assert.equal(withHeld({ nodes: [node("a")], edges, stale: [] }, () => true).edges, edges);
});

test("calls stand on one axis: in the queue, until the first word, answering", () => {
  const call = (id: string, at: number, fields: Partial<Call>): Call =>
    ({ id, started_at: new Date(at * 1000).toISOString(), duration_s: 2, first_token_s: 0.5, last_attempt_s: 1, ...fields }) as Call;
  const axis = axisOf([call("a", 100, {}), call("b", 103, { duration_s: 1, last_attempt_s: 0 })], 0);
  const bar = axis.bars.get("a");
  assert.equal(axis.length, 4 * 1.02);
  assert.ok(bar && Math.abs(bar.queue * axis.length - 1) < 1e-9 && Math.abs(bar.answering * axis.length - 0.5) < 1e-9);
  assert.equal(axisOf([], 0).bars.size, 0);
  assert.ok(axisOf([call("a", 0, {}), call("b", 90_000, {})], 0).length < 10, "far apart, each begins at 0");
});
