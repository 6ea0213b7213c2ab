import assert from "node:assert/strict";
import { test } from "node:test";
import { fromText, toNbformat } from "../src/cells/clipboard.ts";
import { withSteps, type Step } from "../src/store/edits.ts";
import { find, replaced } from "../src/store/find.ts";
import { chosenOf } from "../src/store/focus.ts";
import { outlineOf } from "../src/store/outline.ts";
import { feasible, inverse, keepingTyped } from "../src/store/structure.ts";
import { NOTHING_UNDER_WAY } from "./notebooks.ts";
import { stateOf, type NotebookState } from "../src/store/state.ts";
import type { Cell } from "../src/wire/shapes.ts";

function cell(id: string, fields: Partial<Cell> = {}): Cell {
  return {
    id, type: "ComputationCell", content: id, outputs: [{ type: "stdout", content: id }], status: "completed",
    execution_count: 1, stale: false, pinned: false, skipped: false, metadata: {}, version: "1", ...fields,
  };
}

function state(...cells: Cell[]): NotebookState {
  const header = { id: "n", name: "N", created_at: "", updated_at: "" };
  const notebook = { ...header, metadata: {}, cells, state_keys: [], ...NOTHING_UNDER_WAY };
  return stateOf(notebook as Parameters<typeof stateOf>[0], null, 0);
}

const shown = (now: NotebookState) => now.order.map((id) => [id, now.cells.get(id)?.content, now.cells.get(id)?.type]);

/** Numbers that look random, and are the same each time. */
function draws(seed: number): (below: number) => number {
  let last = seed;
  return (below) => {
    last = (last * 1103515245 + 12345) % 2147483648;
    return Math.floor((last / 2147483648) * below);
  };
}

test("whatever is done to cells, what undoes it gives the notebook as it was", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const draw = draws(seed);
    const start = state(...[..."abcdef"].map((id) => cell(id)));
    const steps: Step[] = [];
    let now = start;
    for (let count = draw(8); count >= 0; count--) {
      const id = now.order[draw(now.order.length)];
      if (id === undefined) break;
      const step = ([
        { do: "delete", cellId: id },
        { do: "move", cellId: id, position: draw(now.order.length) },
        { do: "change", cellId: id, fields: { content: `${seed}` }, version: null },
        { do: "change", cellId: id, fields: { type: "PromptCell" }, version: null },
        { do: "create", cell: { id: `new${count}`, type: "PromptCell", content: "x" }, position: draw(now.order.length + 1) },
      ] as const)[draw(5)] as Step;
      steps.push(step);
      now = withSteps(now, [step]);
    }
    const back = withSteps(now, inverse(start, steps));
    assert.deepEqual(shown(back), shown(start), `seed ${seed}`);
  }
});

test("what others have deleted meanwhile is not undone, and the rest is", () => {
  const start = state(cell("a"), cell("b"), cell("c"));
  const undo = inverse(start, [{ do: "delete", cellId: "c" }, { do: "move", cellId: "a", position: 1 }]);
  const others = state(cell("b"));
  assert.deepEqual(feasible(others, undo).map((step) => step.do), ["restore"]);
  assert.deepEqual(withSteps(others, feasible(others, undo)).order, ["b", "c"]);
});

test("what was typed since is not undone with what was done before", () => {
  const start = state(cell("a"), cell("b"));
  const merge: Step[] = [{ do: "change", cellId: "a", fields: { content: "a\nb" }, version: "1" }, { do: "delete", cellId: "b" }];
  const done = withSteps(start, merge);
  const undo = inverse(start, merge);
  assert.deepEqual(keepingTyped(done, undo, merge), undo);
  const typed = withSteps(done, [{ do: "change", cellId: "a", fields: { content: "a\nb and more" }, version: null }]);
  const after = withSteps(typed, keepingTyped(typed, undo, merge));
  assert.deepEqual(after.order.map((id) => after.cells.get(id)?.content), ["a\nb and more", "b"]);

  const type: Step[] = [{ do: "change", cellId: "a", fields: { type: "PromptCell" }, version: "1" }];
  const more = withSteps(start, [...type, { do: "change", cellId: "a", fields: { content: "more" }, version: null }]);
  const back = withSteps(more, keepingTyped(more, inverse(start, type), type));
  assert.deepEqual([back.cells.get("a")?.content, back.cells.get("a")?.type], ["more", "ComputationCell"]);
});

test("cells are chosen from one to another, in either direction", () => {
  const order = [..."abcde"];
  assert.deepEqual(chosenOf(order, "d", "b"), ["b", "c", "d"]);
  assert.deepEqual(chosenOf(order, null, "b"), ["b"]);
  assert.deepEqual(chosenOf(order, "gone", "b"), ["b"]);
});

test("copied cells are pasted as they were", () => {
  const prompt = cell("p", { type: "PromptCell", content: "Say {x}", model: "mock", context: ["a"], tools: ["f"], pinned: true });
  const pasted = fromText(toNbformat([cell("a", { metadata: { tags: ["t"] } }), prompt, cell("m", { type: "MemoryCell" })]));
  assert.deepEqual(pasted.map(({ nbformat: _, ...fields }) => fields), [
    { type: "ComputationCell", content: "a", metadata: { tags: ["t"] } },
    { type: "PromptCell", content: "Say {x}", metadata: {}, model: "mock", tools: ["f"], pinned: true },
    { type: "MemoryCell", content: "m", metadata: {} },
  ]);
});

test("copied cells bring what they gave, as the server reads it", () => {
  const shown = { type: "display", content: "42", data: { "text/plain": "42" }, metadata: {}, result: true };
  const answer = { type: "llm_response", content: "Hi", model: "mock" };
  const code = cell("a", { outputs: [{ type: "stdout", content: "so\n" }, shown, { type: "tool_call", content: "f()", name: "f" }], execution_count: 2 });
  const prompt = cell("p", { type: "PromptCell", outputs: [answer], context: ["a", "gone"] });
  const [one, other] = fromText(toNbformat([code, prompt])).map(({ nbformat }) => nbformat as any);
  assert.deepEqual([one.cell_type, one.execution_count, one.outputs], ["code", 2, [
    { output_type: "stream", name: "stdout", text: "so\n" },
    { output_type: "execute_result", execution_count: 2, data: { "text/plain": "42" }, metadata: {} },
    { output_type: "display_data", data: { "text/plain": "f()" }, metadata: { llm_repl: { type: "tool_call", fields: { name: "f" } } } },
  ]]);
  assert.deepEqual([other.cell_type, other.metadata.solveit_ai, other.metadata.llm_repl.outputs], ["markdown", true, [answer]]);
  assert.deepEqual(other.metadata.llm_repl.context, ["a", "gone"]);
  // Of Jupyter's what can be an output; and of too much, none.
  const [lab] = fromText(JSON.stringify([{ cell_type: "code", source: "", outputs: [7, { output_type: "stream", text: "x" }] }]));
  assert.deepEqual((lab?.nbformat as any).outputs, [{ output_type: "stream", text: "x" }]);
  const large = cell("l", { outputs: [{ type: "stdout", content: "x".repeat(20_000_000) }] });
  assert.deepEqual(fromText(toNbformat([large])), [{ type: "ComputationCell", content: "l", metadata: {} }]);
});

test("what JupyterLab, a chat or a text editor copies becomes cells", () => {
  const lab = [{ cell_type: "code", source: ["x = 1\n", "x"], metadata: {}, outputs: [] }, { cell_type: "raw", source: "r" }];
  assert.deepEqual(fromText(JSON.stringify(lab)).map(({ type, content }) => [type, content]), [
    ["ComputationCell", "x = 1\nx"], ["MarkdownCell", "r"],
  ]);
  assert.deepEqual(fromText("Look:\r\n\r\n```python\nx = 1\n```\nand so on\n").map(({ type, content }) => [type, content]), [
    ["MarkdownCell", "Look:"], ["ComputationCell", "x = 1"], ["MarkdownCell", "and so on"],
  ]);
  assert.deepEqual(fromText('{"a": 1}'), [{ type: "MarkdownCell", content: '{"a": 1}' }]);
  assert.deepEqual(fromText("  \n"), []);
});

test("a hostile clipboard gives no field that a cell does not have", () => {
  const hostile = {
    cells: [{
      cell_type: "markdown", source: "<img src=x onerror=alert(1)>",
      metadata: {
        solveit_ai: true,
        llm_repl: {
          type: "prompt", id: "../..", status: "running", outputs: [1], version: "x", temperature: 99, model: { a: 1 },
          tools: [1], system: "s", __proto__: { polluted: true }, position: 0, do: "delete", cell_id: "a",
        },
      },
    }],
  };
  assert.deepEqual(fromText(JSON.stringify(hostile)), [
    { type: "PromptCell", content: "<img src=x onerror=alert(1)>", metadata: {}, system: "s" },
  ]);
  assert.deepEqual(fromText(JSON.stringify({ cells: [{ cell_type: "code", source: 5 }] })).length, 1); // a text
  assert.equal(fromText("x".repeat(20_000_001)).length, 0);
});

test("texts are found and replaced, by letters and by expressions", () => {
  const cells = [cell("a", { content: "Cat cat\ncats" }), cell("b", { content: "$1 (a)" })];
  const places = (text: string, more = {}) => find(cells, { text, isRegex: false, matchesCase: false, ...more }, "X").matches.length;
  assert.deepEqual([places("cat"), places("cat", { matchesCase: true }), places("$1 (", {}), places("^c", { isRegex: true })], [3, 2, 1, 2]);
  const search = { text: "(c)(at)", isRegex: true, matchesCase: true };
  const found = find(cells, search, "$2-$1$$\\n");
  assert.deepEqual([...replaced(cells, found.matches)], [["a", "Cat at-c$\n\nat-c$\ns"]]);
  const literal = find(cells, { ...search, text: "(a)", isRegex: false }, "$1\\n");
  assert.deepEqual([...replaced(cells, literal.matches)], [["b", "$1 $1\\n"]]);
  assert.match(find(cells, { ...search, text: "(" }, "").mistake ?? "", /no regular expression/);
  assert.deepEqual(find(cells, { ...search, text: "x*" }, "").matches, []);
  assert.equal(find([cell("a", { content: "a".repeat(20_000) })], { ...search, text: "a" }, "").isCut, true);
});

test("the outline has the headings, and no comment of code", () => {
  const now = state(cell("a", { type: "MarkdownCell", content: "# One *x*\ntext\n```\n# no\n```\n### Deep ##" }), cell("b", { content: "# no" }));
  assert.deepEqual(outlineOf(now).map(({ text, level }) => [text, level]), [["One x", 1], ["Deep", 3]]);
});
