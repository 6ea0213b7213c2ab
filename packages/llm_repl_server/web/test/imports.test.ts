import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** The folders of `src`, in order: each imports from those before it, and from itself. */
const FOLDERS = [
  "wire", "ui", "editor", "store", "markdown", "outputs", "files", "prompt", "cells", "run", "inspector", "answers", "calls", "graph", "bin", "find", "settings",
  "start", "drawer", "notebook", "main",
];

/** Which file imports which: types, too, and what is loaded later. */
function imports(): [string, string][] {
  const found: [string, string][] = [];
  for (const path of readdirSync("src", { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(path)) continue;
    for (const [, named] of readFileSync(`src/${path}`, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
      found.push([path, new URL(named ?? "", `file:///${path}`).pathname.slice(1)]);
    }
  }
  return found;
}

function folderOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "main";
}

test("imports go one way", () => {
  const all = imports().map(([from, to]) => [folderOf(from), folderOf(to)] as const);
  assert.ok(all.length > 50);
  const backwards = all.filter(([from, to]) => FOLDERS.indexOf(to) > FOLDERS.indexOf(from));
  assert.deepEqual([...new Set(backwards.map(([from, to]) => `${from} → ${to}`))], []);
  assert.deepEqual(all.flat().filter((folder) => !FOLDERS.includes(folder)), []);
});

test("no files import each other in a circle", () => {
  let left = imports();
  // Who imports nothing that is left is in no circle.
  for (let before = Infinity; left.length < before; ) {
    before = left.length;
    const importers = new Set(left.map(([from]) => from));
    left = left.filter(([, to]) => importers.has(to));
  }
  assert.deepEqual(left.map(([from, to]) => `${from} → ${to}`), []);
});
