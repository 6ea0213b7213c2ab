/** Which keys do what, as a person has chosen. Kept in this browser. */

import { signal } from "@preact/signals";
import {
  chordOf, DRAWN, keyCap, keysNow, keysOfChord, meantBy, readKeyMap, type KeyMap, type Pressed,
} from "./chords.ts";
import { singleKeys } from "./single-keys.ts";

const KEY = "llm-repl-keys";

/** What can have other keys, by those that it has at first. */
export const COMMANDS: ReadonlyMap<string, string> = new Map([
  ["Ctrl+Enter", "Run, stay"],
  ["Shift+Enter", "Run, go to the next"],
  ["Alt+Enter", "Run, add a cell below"],
  ["Ctrl+Shift+Enter", "Plan, and run all"],
  ["Ctrl+Shift+s", "Run what is stale"],
  ["Ctrl+.", "Stop the cell"],
  ["Ctrl+Shift+.", "Stop the run"],
  ["n", "Next that needs you"],
  ["a", "Add above"],
  ["b", "Add below"],
  ["p", "To prompt"],
  ["y", "To code"],
  ["m", "To markdown"],
  ["r", "To memory"],
  ["Alt+ArrowUp", "Move up"],
  ["Alt+ArrowDown", "Move down"],
  ["c", "Copy"],
  ["x", "Cut"],
  ["v", "Paste"],
  ["Shift+m", "Merge"],
  ["d", "Delete"],
  ["z", "Undo for cells"],
  ["Shift+z", "Undo for cells, and back"],
  ["f", "Fold the source"],
  ["o", "Fold the answer"],
  ["Ctrl+i", "What will be sent"],
  ["s", "Send the cell above or not"],
  ["Shift+p", "Pin this cell"],
  ["Shift+s", "Skip this cell"],
  ["[", "Answer before"],
  ["]", "Answer after"],
  ["e", "Edit the answer"],
  ["Shift+e", "Ask several models"],
  ["i", "Inspector"],
  ["Ctrl+o", "Notebooks"],
  ["Ctrl+h", "Find and replace"],
  ["?", "This table"],
]);

export const keyMap = signal<KeyMap>(read());

function read(): KeyMap {
  try {
    return readKeyMap(JSON.parse(localStorage.getItem(KEY) ?? "{}"), COMMANDS);
  } catch {
    return {};
  }
}

export function setKeyMap(map: KeyMap): void {
  keyMap.value = map;
  try {
    localStorage.setItem(KEY, JSON.stringify(map));
  } catch {
    // A private window may keep nothing: then it counts for this window.
  }
}

/** The keys that a command has now; none where they are a letter, and letters are switched off. */
function presentKeys(first: string): readonly string[] {
  const keys = keysOfChord(keysNow(keyMap.value, first));
  return keys.length === 1 && keys[0]?.length === 1 && !singleKeys.value ? [] : keys;
}

/** What a title says, with the keys that do the same: "Inspect (I)". */
export function withKeysOf(first: string, words: string): string {
  const keys = presentKeys(first).map(keyCap).join(" ");
  return keys ? `${words} (${keys})` : words;
}

/** The keys of a command, as a menu shows them; what deletes is pressed twice. */
export function drawnKeysOf(first: string): string {
  const keys = presentKeys(first).map((key) => DRAWN[key] ?? keyCap(key));
  return (first === "d" ? [...keys, ...keys] : keys).join(" ");
}

/** What keys mean now, as if the ones that a command has at first were pressed; null: nothing. */
export function meaning(event: Pressed): Pressed | null {
  const map = keyMap.peek();
  const pressed = chordOf(event);
  const meant = meantBy(map, pressed);
  if (meant === pressed) return event;
  if (meant === null) return null;
  const keys = keysOfChord(meant);
  const key = keys.at(-1) ?? "";
  const shiftKey = keys.includes("Shift");
  return {
    key: shiftKey && key.length === 1 ? key.toUpperCase() : key,
    ctrlKey: keys.includes("Ctrl"),
    metaKey: false,
    shiftKey,
    altKey: keys.includes("Alt"),
  };
}
