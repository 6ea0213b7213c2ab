import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyed } from "../src/store/keyed.ts";
import { moreWords, NO_TEXT, wholeText, withMore } from "../src/store/pieces.ts";
import { words } from "../src/ui/format.ts";

/** Numbers from 0 to 1 that are the same each time. */
function drawn(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

test("it holds what a map holds, and tells in what two of them differ", () => {
  const draw = drawn(7);
  const plain = new Map<string, number>();
  let keyed = Keyed.of<number>();
  let before = keyed;
  let last = new Map(plain);
  for (let step = 0; step < 3_000; step++) {
    const key = `key ${Math.floor(draw() * 200)}`;
    if (draw() < 0.3) {
      plain.delete(key);
      keyed = keyed.without(key);
    } else {
      const value = Math.floor(draw() * 3);
      plain.set(key, value);
      keyed = keyed.with(key, value);
    }
    if (step % 50) continue;
    assert.equal(keyed.size, plain.size);
    assert.deepEqual([...keyed.entries()].sort(), [...plain].sort());
    const differs = [...new Set([...plain.keys(), ...last.keys()])].filter((one) => plain.get(one) !== last.get(one));
    assert.deepEqual([...keyed.differsIn(before)].sort(), differs.sort());
    [before, last] = [keyed, new Map(plain)];
  }
  assert.deepEqual(Keyed.of(plain).differsIn(keyed), []);
  const one = keyed.with("one", 1);
  assert.equal(one.with("one", 1), one);
  assert.equal(keyed.without("none"), keyed);
});

test("a text in pieces is the text, and its words are counted as they come", () => {
  const draw = drawn(11);
  for (let round = 0; round < 50; round++) {
    let pieces = NO_TEXT;
    let text = "";
    let count = 0;
    for (let step = 0; step < 200; step++) {
      const more = Array.from({ length: Math.floor(draw() * 60) }, () => "ab \n"[Math.floor(draw() * 4)]).join("");
      count += moreWords(pieces, more);
      pieces = withMore(pieces, more);
      text += more;
    }
    assert.equal(wholeText(pieces), text);
    assert.equal(count, words(text));
  }
});
