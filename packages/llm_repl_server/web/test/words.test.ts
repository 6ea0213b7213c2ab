import assert from "node:assert/strict";
import { test } from "node:test";
import { actionsOf, lived, shrunk } from "./simulated/world.ts";

// `WORDS_SEEDS=1-500 WORDS_ACTIONS=200 npm test` looks for more.
const [first = 1, last = first] = (process.env["WORDS_SEEDS"] ?? "1-20").split("-").map(Number);
const COUNT = Number(process.env["WORDS_ACTIONS"] ?? 100);

test("whatever is done in two windows, no word is lost, and both end as the server has it", async () => {
  for (let seed = first; seed <= last; seed++) {
    const actions = actionsOf(seed, COUNT);
    const wrong = await lived(seed, actions);
    if (!wrong) continue;
    const fewest = await shrunk(seed, actions);
    const lines: string[] = [];
    const said = await lived(seed, fewest, (line) => lines.push(line));
    assert.fail(`seed ${seed}: ${wrong}\n${said}\n${lines.join("\n")}`);
  }
});
