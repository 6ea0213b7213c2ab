import assert from "node:assert/strict";
import { test } from "node:test";
import { enqueued, isBlind, rebased, withEdits, type Edit, type QueuedEdit, type Step } from "../src/store/edits.ts";
import { fitted } from "../src/store/refused-steps.ts";
import type { Cell } from "../src/wire/shapes.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";
import { stateOf } from "../src/store/state.ts";

const typed = (content: string, cellId = "a"): Edit => ({ kind: "change", cellId, fields: { content }, version: "1" });

const cell = (id: string, content: string, version: string) => ({ id, type: "ComputationCell", content, version }) as Cell;

function queue(...edits: Edit[]): readonly QueuedEdit[] {
  return edits.reduce<readonly QueuedEdit[]>((so_far, edit) => enqueued(so_far, edit, null), []);
}

test("what is typed into one cell is one edit, made on the version it began on", () => {
  const all = queue(typed("x"), typed("xy"));
  assert.equal(all.length, 1);
  assert.deepEqual(all[0]?.edit, typed("xy"));
});

test("an edit that is being sent is not changed any more", () => {
  const [first] = queue(typed("x"));
  assert.ok(first);
  assert.equal(enqueued([first], typed("xy"), first.number).length, 2);
});

test("edits of several cells keep their order", () => {
  const all = queue(typed("x"), typed("y", "b"), typed("xy"));
  assert.deepEqual(all.map(({ number }) => number), [1, 2, 3]);
});

test("a new cell is made with what was typed into it", () => {
  const all = queue({ kind: "create", cell: { id: "c", type: "PromptCell" }, position: 0 }, typed("Hi", "c"));
  assert.equal(all.length, 1);
  const header = { id: "n", name: "N", created_at: "", updated_at: "" };
  const shown = withEdits(stateOf({ ...header, metadata: {}, cells: [], state_keys: [], ...NOTHING_UNDER_WAY }, null, 0), all);
  assert.deepEqual(shown.order, ["c"]);
  assert.equal(shown.cells.get("c")?.content, "Hi");
});

test("what is typed while an edit is sent follows it, and is no conflict with it", () => {
  const [sent] = queue(typed("x"));
  assert.ok(sent);
  const waiting = enqueued([sent], typed("xy"), sent.number).slice(1);
  const [next] = rebased(waiting, sent.edit, "2");
  assert.equal(next?.edit.kind === "change" && next.edit.version, "2");
  // Made on another version, it stays one: somebody else was there in between.
  const other = queue({ kind: "change", cellId: "a", fields: {}, version: "0" });
  assert.deepEqual(rebased(other, sent.edit, "2"), other);
});

test("a key behind what is typed is made on what was typed", () => {
  const typed: Edit = { kind: "change", cellId: "a", fields: { content: "x" }, version: "1" };
  const key: Edit = { kind: "steps", steps: [
    { do: "change", cellId: "a", fields: { type: "PromptCell" }, version: "1" },
    { do: "change", cellId: "b", fields: { type: "PromptCell" }, version: "1" },
    { do: "delete", cellId: "c" },
  ] };
  const [next] = rebased([{ number: 2, edit: key }], typed, "2");
  assert.ok(next?.edit.kind === "steps");
  assert.deepEqual(next.edit.steps.map((step) => "version" in step && step.version), ["2", "1", false]);
});

test("what others have changed meanwhile stops no edit that overwrites none of their texts", () => {
  const cells = [cell("a", "theirs", "2"), cell("b", "b", "1")];
  const steps = (...all: Step[]): Edit & { kind: "steps" } => ({ kind: "steps", steps: all });
  const after = (edit: Edit & { kind: "steps" | "create" }) => fitted(edit, cells);
  const type = { do: "change", cellId: "a", fields: { type: "PromptCell" }, version: "1" } as const;
  const blind = after(steps(type));
  assert.ok(blind?.kind === "steps" && blind.steps[0] && isBlind(blind.steps[0])); // and nothing is made on the text, which is not seen
  const text = { ...type, fields: { content: "mine" } };
  assert.equal(after(steps(text)), null);
  // It was made, and only the answer was lost.
  assert.deepEqual(after(steps({ ...text, fields: { content: "theirs" } })), steps({ ...text, fields: { content: "theirs" }, version: "2" }));
  assert.equal(after(steps({ ...text, cellId: "gone" })), null);
  // A cell that was split, or made one with another, which somebody has deleted meanwhile.
  const rest = { do: "create", cell: { id: "n", type: "PromptCell", content: "rest" }, position: 1 } as const;
  for (const cellId of ["gone", "a"]) assert.deepEqual(after(steps({ ...text, cellId }, rest)), steps(rest));
  assert.equal(after(steps({ ...text, cellId: "gone" }, { do: "delete", cellId: "b" })), null);
  assert.deepEqual(
    after(steps({ ...type, cellId: "gone" }, { do: "delete", cellId: "gone" }, { do: "move", cellId: "b", position: 7 })),
    steps({ do: "move", cellId: "b", position: 1 }),
  );
  const create = { kind: "create", cell: { id: "n", type: "PromptCell" }, position: 9 } as const;
  assert.deepEqual(after(create), { ...create, position: 2 });
  assert.equal(after({ ...create, position: 2 }), null);
});
