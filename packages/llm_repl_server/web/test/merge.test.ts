import assert from "node:assert/strict";
import { test } from "node:test";
import { merge, parts } from "../src/store/merge.ts";
import { fieldsInConflict } from "../src/store/conflicts.ts";

const BASE = "Which orders may have left in dented tins? Say in short how to find them.";

test("what only one side changed is taken, word by word", () => {
  const mine = BASE.replace("tins?", "tins since the courier changed?");
  const theirs = BASE.replace("in short", "in one sentence");
  assert.deepEqual(merge(BASE, mine, theirs), {
    text: "Which orders may have left in dented tins since the courier changed? Say in one sentence how to find them.",
    isClean: true,
  });
});

test("where both changed the same, both are there", () => {
  const merged = merge("a b c", "a x c", "a y c");
  assert.deepEqual(merged, { text: "a x y c", isClean: false });
});

test("the laws of merging, for texts drawn by chance", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  const edited = (text: string) => {
    const list = text.split(" ");
    for (let times = random(4); times > 0; times--) {
      const at = random(list.length + 1);
      if (random(2)) list.splice(at, random(3));
      else list.splice(at, 0, `new${random(100)}`);
    }
    return list.join(" ");
  };
  for (let round = 0; round < 2000; round++) {
    const base = Array.from({ length: random(12) }, () => "abcde"[random(5)]).join(" ");
    const [mine, theirs] = [edited(base), edited(base)];
    assert.equal(merge(base, mine, base).text, mine);
    assert.equal(merge(base, base, theirs).text, theirs);
    assert.deepEqual(merge(base, mine, mine), { text: mine, isClean: true });
    const { text } = merge(base, mine, theirs);
    for (const word of [...mine.split(" "), ...theirs.split(" ")]) {
      if (word.startsWith("new")) assert.ok(text.includes(word), `${word} of ${mine} | ${theirs} is lost in ${text}`);
    }
    const shown = parts(base, mine);
    assert.equal(shown.filter(({ kind }) => kind !== "gone").map((part) => part.text).join(""), mine);
    assert.equal(shown.filter(({ kind }) => kind !== "added").map((part) => part.text).join(""), base);
  }
});

test("a text of a megabyte is merged in time", () => {
  const base = Array.from({ length: 40_000 }, (_, line) => `line ${line} of it\n`).join("");
  const merged = merge(base, `first\n${base}`, base.replace("line 39999", "line last"));
  assert.equal(merged.isClean, true);
  assert.ok(merged.text.startsWith("first\n") && merged.text.includes("line last"));
});

test("a field that only one side changed is no conflict", () => {
  const theirs = { content: "x", temperature: 0.7 } as never;
  const base = { content: "x", temperature: 0.5 };
  assert.deepEqual(fieldsInConflict({ mine: { content: "y" }, base, theirs }), []);
  assert.deepEqual(fieldsInConflict({ mine: { temperature: 0.2 }, base, theirs }), ["temperature"]);
  assert.deepEqual(fieldsInConflict({ mine: { temperature: 0.7 }, base, theirs }), []);
});

test("what one side has typed on to what both have is taken once", () => {
  // An edit is sent again whose answer was lost, and others have typed behind it meanwhile.
  assert.deepEqual(merge("a", "a mine", "a mine theirs"), { text: "a mine theirs", isClean: true });
  assert.deepEqual(merge("a", "mine and more a", "mine a"), { text: "mine and more a", isClean: true });
  assert.equal(merge("a", "a min", "a mine").isClean, false);
});
