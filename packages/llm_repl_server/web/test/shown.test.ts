import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { withEdits } from "../src/store/edits.ts";
import { reduce } from "../src/store/reduce.ts";
import { Shown, type CellView } from "../src/store/shown.ts";
import { stateOf, type NotebookState } from "../src/store/state.ts";
import type { WireEvent } from "../src/wire/events.ts";
import type { Cell } from "../src/wire/shapes.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";

const CELLS = 500;
const ANSWERS = 8;

function read(): NotebookState {
  const cells = Array.from({ length: CELLS }, (_, at): Cell => ({
    id: `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`,
    type: at < ANSWERS ? "PromptCell" : "ComputationCell", content: "", outputs: [], status: "idle", execution_count: null,
    stale: false, stale_reasons: [], pinned: false, skipped: false, metadata: {}, version: "1",
  }));
  const header = { id: "n", name: "N", created_at: "", updated_at: "" };
  return stateOf({ ...header, metadata: {}, cells, state_keys: [], ...NOTHING_UNDER_WAY }, null, 0);
}

/** A notebook all of whose signals somebody watches, as its page does; what they hear is noted. */
class Watched {
  readonly heard: string[] = [];
  readonly shown: Shown;
  state = read();
  #whenIdle: (() => void)[] = [];
  #sequence = 0;

  constructor() {
    this.shown = new Shown((act) => {
      this.#whenIdle.push(act);
      return () => {};
    });
    this.shown.show(this.state);
    const whole = ["order", "runs", "name", "metadata", "kernel", "presence", "underWay", "isAsking", "whole"] as const;
    for (const name of whole) this.#watch(name, () => this.shown[name].value);
    this.state.order.forEach((id, at) => {
      const view = this.shown.view(id);
      for (const name of Object.keys(view) as (keyof CellView)[]) this.#watch(`${at} ${name}`, () => view[name].value);
    });
    this.heard.length = 0;
  }

  #watch(name: string, read: () => unknown): void {
    effect(() => {
      read();
      this.heard.push(name);
    });
  }

  hear(event: object): void {
    this.state = reduce(this.state, { notebook_id: "n", run_id: "r", sequence: ++this.#sequence, ...event } as WireEvent, 1000);
    this.shown.show(this.state);
  }

  rest(): void {
    for (const act of this.#whenIdle.splice(0)) act();
  }

  taken(): string[] {
    return this.heard.splice(0);
  }
}

function answering(): Watched {
  const notebook = new Watched();
  const prompts = notebook.state.order.slice(0, ANSWERS);
  notebook.hear({ event: "run_started", cell_ids: prompts, total: ANSWERS });
  for (const cell_id of prompts) {
    notebook.hear({ event: "cell_execution_started", cell_id });
    notebook.hear({ event: "cell_execution_text", cell_id, text: "first", item: null });
  }
  while (notebook.shown.showWords(2));
  notebook.rest();
  notebook.taken();
  return notebook;
}

test("a word of an answer is heard by the view of its text alone, whatever the notebook has", () => {
  const notebook = answering();
  notebook.hear({ event: "cell_execution_text", cell_id: notebook.state.order[3], text: " more", item: null });
  assert.deepEqual(notebook.taken(), []);
  assert.equal(notebook.shown.showWords(2), false);
  assert.deepEqual(notebook.taken(), ["3 growing"]);
  notebook.rest();
  assert.deepEqual(notebook.taken(), []);
});

test("of many answers some are drawn in a frame, and those first that wait longest", () => {
  const notebook = answering();
  const say = (at: number) =>
    notebook.hear({ event: "cell_execution_text", cell_id: notebook.state.order[at], text: " w", item: null });
  for (const at of [0, 1, 2, 3]) say(at);
  assert.equal(notebook.shown.showWords(2), true);
  assert.deepEqual(notebook.taken().sort(), ["0 growing", "1 growing"]);
  for (const at of [0, 1, 2]) say(at);
  notebook.shown.showWords(2);
  assert.deepEqual(notebook.taken().sort(), ["2 growing", "3 growing"]);
  notebook.shown.showWords(2);
  assert.deepEqual(notebook.taken().sort(), ["0 growing", "1 growing"]);
});

test("the end of an answer is shown with its last words", () => {
  const notebook = answering();
  const [cell_id] = notebook.state.order;
  notebook.hear({ event: "cell_execution_text", cell_id, text: " last", item: null });
  notebook.hear({ event: "cell_execution_completed", cell_id, outputs: [], execution_count: 1, status: "completed" });
  assert.deepEqual(notebook.taken().sort(), ["0 activity", "0 cell", "0 growing", "underWay"]);
  assert.equal(notebook.shown.showWords(2), false);
});

test("what is typed is heard by its cell, and by those who look at all cells when there is time", () => {
  const notebook = new Watched();
  const id = notebook.state.order[499]!;
  const edit = { kind: "change", cellId: id, fields: { content: "typed" }, version: null } as const;
  notebook.shown.show(withEdits(notebook.state, [{ number: 1, edit }]));
  assert.deepEqual(notebook.taken(), ["499 cell"]);
  notebook.rest();
  assert.deepEqual(notebook.taken(), ["whole"]);
  // What comes of other cells leaves it as it is.
  notebook.state = reduce(notebook.state, { event: "cell_execution_output", notebook_id: "n", sequence: 1, cell_id: notebook.state.order[9], index: 0, output: { type: "stdout", content: "x" } } as unknown as WireEvent, 1);
  notebook.shown.show(withEdits(notebook.state, [{ number: 1, edit }]));
  assert.deepEqual(notebook.taken(), ["9 cell"]);
});

test("what a cell gave before its text was edited is kept for the reader, until it gives something else", () => {
  const notebook = new Watched();
  const id = notebook.state.order[20]!;
  const earlier = () => notebook.shown.view(id).earlier.peek();
  const ended = { event: "cell_execution_completed", cell_id: id, execution_count: 1, status: "completed" };
  notebook.hear({ ...ended, outputs: [{ type: "stdout", content: "41" }, { type: "error", content: "E" }] });
  const cell = notebook.state.cells.get(id)!;
  const edited = { ...cell, content: "new", outputs: [], stale: true, stale_reasons: [{ kind: "own_edit", field: "content" }] };
  notebook.hear({ event: "cell_changed", cell: edited });
  assert.deepEqual(earlier(), [{ type: "stdout", content: "41" }]);
  notebook.hear({ event: "cell_changed", cell: { ...edited, content: "newer" } });
  assert.equal(earlier()?.length, 1);
  notebook.hear({ event: "cell_execution_started", cell_id: id });
  assert.equal(earlier(), undefined);
  // Somebody has cleared it: that is what was wanted.
  notebook.hear({ ...ended, outputs: [{ type: "stdout", content: "42" }] });
  notebook.hear({ event: "outputs_cleared", cell_ids: [id] });
  assert.equal(earlier(), undefined);
});
