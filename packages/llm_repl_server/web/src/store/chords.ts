/**
 * Keys that are pressed together, as a text: "Ctrl+Shift+s", "n", "Alt+Enter". A command is named by the
 * keys that it has at first, and a person may give it others. Pure.
 */

/** By the keys that a command has at first: those that a person gave it. */
export type KeyMap = Readonly<Record<string, string>>;

export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

const MODIFIERS = ["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Unidentified", "Process"];
/** What Shift makes of a full stop and of a minus: by the layout. */
const SHIFTED: Readonly<Record<string, string>> = { ">": ".", ":": ".", _: "-" };
/** Keys that are everybody's, or the browser's. */
const TAKEN = ["Escape", "Tab", "Enter", "Backspace", "Delete", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", " "];
const OF_THE_BROWSER = ["f", "n", "t", "w", "r", "l", "c", "v", "x", "a", "z", "y", "p", "+", "-", "0"].map((key) => `Ctrl+${key}`);

/** The keys of an event; empty while only modifiers are pressed. */
export function chordOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Pressed): string {
  if (MODIFIERS.includes(key)) return "";
  const control = ctrlKey || metaKey;
  const isLetter = /^\p{L}$/u.test(key);
  // Of a sign the layout says whether Shift makes it.
  const isShifted = shiftKey && (isLetter || key.length > 1 || control);
  const plain = control && shiftKey ? (SHIFTED[key] ?? key) : key;
  return `${control ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${isShifted ? "Shift+" : ""}${isLetter ? plain.toLowerCase() : plain}`;
}

/** The keys of a chord, one by one. */
export function keysOfChord(chord: string): readonly string[] {
  const parts = chord.split("+");
  return chord.endsWith("+") ? [...parts.slice(0, -2), "+"] : parts;
}

/** How keys are drawn. */
export const DRAWN: Readonly<Record<string, string>> = {
  Enter: "↵", Shift: "⇧", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", " ": "Space",
};

/** A key as it stands on a keyboard: letters are capital. */
export const keyCap = (key: string): string => (key.length === 1 ? key.toUpperCase() : key);

/** What was meant: the keys that the command has at first; null: nothing, for it has others now. */
export function meantBy(map: KeyMap, chord: string): string | null {
  const given = Object.keys(map).find((first) => map[first] === chord);
  if (given !== undefined) return given;
  return chord in map ? null : chord;
}

/** The keys of a command now. */
export const keysNow = (map: KeyMap, first: string): string => map[first] ?? first;

/** Why a command cannot have keys; empty: it can. */
export function hindranceOf(map: KeyMap, first: string, chord: string, commands: ReadonlyMap<string, string>): string {
  if (TAKEN.includes(chord) || /^[1-5]$/.test(chord)) return "That key moves about in the page, and stays so.";
  if (OF_THE_BROWSER.includes(chord)) return "Those keys are the browser’s.";
  for (const [other, what] of commands) {
    if (other !== first && keysNow(map, other) === chord) return `Those keys are for “${what}”. Give that other ones first.`;
  }
  return "";
}

/** The map after a command got keys; those that it has at first are no entry. */
export function withKeys(map: KeyMap, first: string, chord: string): KeyMap {
  const { [first]: _before, ...others } = map;
  return chord === first ? others : { ...others, [first]: chord };
}

/** What was kept, as far as it is a map of known commands. */
export function readKeyMap(kept: unknown, commands: ReadonlyMap<string, string>): KeyMap {
  if (kept === null || typeof kept !== "object") return {};
  let map: KeyMap = {};
  for (const [first, chord] of Object.entries(kept)) {
    if (!commands.has(first) || typeof chord !== "string" || !chord || chord.length > 40) continue;
    if (!hindranceOf(map, first, chord, commands)) map = withKeys(map, first, chord);
  }
  return map;
}
