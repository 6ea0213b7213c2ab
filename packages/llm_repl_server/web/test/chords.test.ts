import assert from "node:assert/strict";
import { test } from "node:test";
import { chordOf, hindranceOf, keysOfChord, meantBy, readKeyMap, withKeys } from "../src/store/chords.ts";

const none = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
const COMMANDS = new Map([["n", "Next"], ["Shift+m", "Merge"], ["Ctrl+o", "Notebooks"]]);

test("keys have one name, whatever the layout makes of them", () => {
  assert.equal(chordOf({ ...none, key: "N", shiftKey: true }), "Shift+n");
  assert.equal(chordOf({ ...none, key: "?", shiftKey: true }), "?");
  assert.equal(chordOf({ ...none, key: ">", shiftKey: true, ctrlKey: true }), "Ctrl+Shift+.");
  assert.equal(chordOf({ ...none, key: "S", shiftKey: true, metaKey: true }), "Ctrl+Shift+s");
  assert.equal(chordOf({ ...none, key: "Enter", altKey: true }), "Alt+Enter");
  assert.equal(chordOf({ ...none, key: "Control", ctrlKey: true }), "");
  assert.deepEqual(keysOfChord("Ctrl+Shift+s"), ["Ctrl", "Shift", "s"]);
  assert.deepEqual(keysOfChord("Ctrl++"), ["Ctrl", "+"]);
});

test("a command with other keys no longer has its first ones, and can get them back", () => {
  const map = withKeys({}, "n", "g");
  assert.equal(meantBy(map, "g"), "n");
  assert.equal(meantBy(map, "n"), null);
  assert.equal(meantBy(map, "q"), "q");
  assert.deepEqual(withKeys(map, "n", "n"), {});
});

test("keys that are taken are said, and those that were given up are free", () => {
  assert.match(hindranceOf({}, "n", "Ctrl+o", COMMANDS), /“Notebooks”/);
  assert.match(hindranceOf({}, "n", "Escape", COMMANDS), /stays so/);
  assert.match(hindranceOf({}, "n", "Ctrl+f", COMMANDS), /browser/);
  assert.equal(hindranceOf({ "Ctrl+o": "Ctrl+b" }, "n", "Ctrl+o", COMMANDS), "");
  assert.match(hindranceOf({ "Ctrl+o": "Ctrl+b" }, "n", "Ctrl+b", COMMANDS), /“Notebooks”/);
});

test("what a browser has kept is read as far as it makes sense", () => {
  for (const kept of [null, 5, "n", [], { unknown: "g" }, { n: 7 }, { n: "" }, { n: "Escape" }]) {
    assert.deepEqual(readKeyMap(kept, COMMANDS), {});
  }
  assert.deepEqual(readKeyMap({ n: "g", "Ctrl+o": "g" }, COMMANDS), { n: "g" }, "of two the first");
});
