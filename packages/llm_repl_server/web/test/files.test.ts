import assert from "node:assert/strict";
import { test } from "node:test";
import { allBothTexts, bothTexts } from "../src/store/both-texts.ts";
import { choices, parentOf, wayTo } from "../src/store/file-list.ts";
import { Keyed } from "../src/store/keyed.ts";
import type { FileEntry } from "../src/wire/files.ts";
import type { Cell } from "../src/wire/shapes.ts";

const entry = (name: string, kind: FileEntry["kind"] = "file"): FileEntry => ({
  name, kind, size_bytes: 1, modified_at: "2026-11-29T12:00:00+00:00",
});

test("folders come first, then notebooks, then text, then what can't be opened; each by name as it came", () => {
  const entries = [entry("a.csv"), entry("b.py"), entry("c.IPYNB"), entry("d", "folder"), entry("e.llmn"), entry("f.md")];
  const found = choices("x/y", entries, "");
  assert.deepEqual(found.map(({ path }) => path), ["x/y/d", "x/y/c.IPYNB", "x/y/e.llmn", "x/y/b.py", "x/y/f.md", "x/y/a.csv"]);
  assert.deepEqual(found.map(({ canOpen }) => canOpen), [true, true, true, true, true, false]);
  assert.deepEqual(choices("", entries, " L E ").map(({ path }) => path), ["e.llmn"]);
});

test("the way to a folder, and back", () => {
  assert.deepEqual(wayTo("a/b").map(({ path }) => path), ["a", "a/b"]);
  assert.deepEqual(wayTo(""), []);
  assert.deepEqual([parentOf("a/b"), parentOf("a"), parentOf("")], ["a", "", null]);
});

const both = "<<<<<<< this notebook\nmine\n=======\ntheirs\n>>>>>>> the file";
const cell: Cell = {
  id: "a", type: "ComputationCell", content: both, outputs: [], status: "idle", execution_count: null,
  stale: false, stale_reasons: [], pinned: false, skipped: false, version: "1",
  metadata: { llm_repl: { merge_conflict: { content: both, base: "old", ours: "mine", theirs: "theirs" } } },
};

test("a cell with both texts is a conflict until it has another text", () => {
  const conflict = bothTexts(cell, 2);
  assert.deepEqual(
    [conflict?.base.content, conflict?.mine.content, conflict?.theirs?.content, conflict?.position, conflict?.sides],
    ["old", "mine", "theirs", 2, ["This notebook", "The file"]],
  );
  assert.equal(bothTexts({ ...cell, content: "chosen" }, 2), null);
  assert.equal(bothTexts({ ...cell, metadata: {} }, 2), null);
});

test("what has not changed stays the same object", () => {
  const holding = (one: Cell) => ({ order: ["a"], cells: Keyed.of([["a", one] as const]) });
  const first = allBothTexts(holding(cell), allBothTexts(null, new Map()));
  assert.equal(first.size, 1);
  assert.equal(allBothTexts(holding({ ...cell, status: "completed" }), first), first);
  assert.equal(allBothTexts(holding({ ...cell, content: "chosen" }), first).size, 0);
});
