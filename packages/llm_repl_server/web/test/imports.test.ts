import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** The folders of `src`, in order: each imports from those before it, and from itself. */
const FOLDERS = [
  "wire", "ui", "editor", "store", "markdown", "outputs", "files", "prompt", "cells", "run", "inspector", "answers", "calls", "graph", "bin", "find", "settings",
  "start", "drawer", "notebook", "main",
];

function imports(): [string, string][] {
  const found: [string, string][] = [];
  for (const path of readdirSync("src", { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(path)) continue;
    const own = path.includes("/") ? path.split("/")[0] : "main";
    for (const [, named] of readFileSync(`src/${path}`, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
      const [folder = ""] = new URL(named ?? "", `file:///${path}`).pathname.slice(1).split("/");
      found.push([own ?? "", folder]);
    }
  }
  return found;
}

test("imports go one way", () => {
  const all = imports();
  assert.ok(all.length > 50);
  const backwards = all.filter(([from, to]) => FOLDERS.indexOf(to) > FOLDERS.indexOf(from));
  assert.deepEqual([...new Set(backwards.map(([from, to]) => `${from} → ${to}`))], []);
  assert.deepEqual(all.flat().filter((folder) => !FOLDERS.includes(folder)), []);
});
