/** The table of keys. */

import { useState } from "preact/hooks";
import { chordOf, DRAWN, hindranceOf, keyCap, keysNow, keysOfChord, withKeys } from "../store/chords.ts";
import { COMMANDS, keyMap, setKeyMap } from "../store/key-map.ts";
import { setSingleKeys, singleKeys } from "../store/single-keys.ts";

/** What is done, and by which keys: as texts those that a person can change, in lists those that stay. */
type Row = readonly [string, ...(string | readonly string[])[]];

const KEYS: readonly (readonly [string, readonly Row[]])[] = [
  [
    "Run",
    [
      ["Run, stay", "Ctrl+Enter"],
      ["Run, go to the next", "Shift+Enter"],
      ["Run, add a cell below", "Alt+Enter"],
      ["Plan, and run all", "Ctrl+Shift+Enter"],
      ["Run what is stale", "Ctrl+Shift+s"],
      ["Stop the cell", "Ctrl+."],
      ["Stop the run", "Ctrl+Shift+."],
    ],
  ],
  [
    "Between cells, outside the text",
    [
      ["Cell above, below", ["ArrowUp"], ["ArrowDown"]],
      ["Edit", ["Enter"]],
      ["Leave the text, keep it", ["Esc"]],
      ["Next that needs you", "n"],
    ],
  ],
  [
    "Cells, outside the text",
    [
      ["Add above, below", "a", "b"],
      ["To prompt, code, markdown", "p", "y", "m"],
      ["To memory", "r"],
      ["Move up, down", "Alt+ArrowUp", "Alt+ArrowDown"],
      ["Select several", ["Shift", "ArrowUp"], ["ArrowDown"]],
      ["Copy, cut, paste", "c", "x", "v"],
      ["Merge", "Shift+m"],
      ["Delete, with undo", "d"],
      ["Undo for cells, and back", "z", "Shift+z"],
      ["Fold the source, the answer", "f", "o"],
    ],
  ],
  [
    "In the text",
    [
      ["Undo in this text", ["Ctrl", "z"]],
      ["Insert a variable", ["{"]],
      ["Split the cell here", ["Ctrl", "Shift", "-"]],
      ["Tab moves on instead", ["Ctrl", "m"]],
    ],
  ],
  [
    "Prompts",
    [
      ["What will be sent", "Ctrl+i"],
      ["Send the cell above or not", "s"],
      ["Pin, skip this cell", "Shift+p", "Shift+s"],
      ["Answer before, after", "[", "]"],
      ["Edit the answer", "e"],
      ["Ask several models", "Shift+e"],
    ],
  ],
  [
    "Page",
    [
      ["Inspector", "i"],
      ["Its tabs", ["1", "–", "5"]],
      ["Notebooks", "Ctrl+o"],
      ["Find and replace", "Ctrl+h"],
      ["This table", "?"],
    ],
  ],
];

/** What a screen reader says for a key that is drawn. */
const NAMES: Readonly<Record<string, string>> = {
  "↵": "Enter", "⇧": "Shift", "↑": "Up", "↓": "Down", "←": "Left", "→": "Right", "–": "to", "{": "opening brace", "[": "opening bracket",
  "]": "closing bracket", ".": "full stop", "?": "question mark", "-": "minus",
};

export function KeysTable() {
  const [query, setQuery] = useState("");
  const [isChanging, setChanging] = useState(false);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = KEYS.map(([title, rows]) => [title, rows.filter(([what]) => words.every((word) => what.toLowerCase().includes(word)))] as const);
  return (
    <div class="keys">
      <div class="keys-tools">
        <input
          class="input"
          type="search"
          placeholder="Find an action"
          aria-label="Find an action"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <button class="button" aria-pressed={isChanging} onClick={() => setChanging(!isChanging)}>
          {isChanging ? "Done" : "Change keys"}
        </button>
      </div>
      {isChanging && <ChangeHead />}
      <div class="keys-columns">
        {shown.map(([title, rows]) =>
          rows.length ? (
            <section key={title}>
              <h3>{title}</h3>
              <dl>
                {rows.map(([what, ...keys]) => (
                  <div key={what}>
                    <dt>{what}</dt>
                    <dd>
                      {keys.map((key, at) =>
                        typeof key !== "string" ? (
                          <Keys keys={key} />
                        ) : isChanging ? (
                          <ChangeKeys key={key} first={key} />
                        ) : (
                          <Keys keys={besides(drawnKeys(key), keys[at - 1])} />
                        ),
                      )}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ) : null,
        )}
        <p class="quiet-text">
          Single keys work outside the text only, and can be switched off. Ctrl F is the browser’s own: all text is in
          the page.
        </p>
      </div>
    </div>
  );
}

function drawnKeys(first: string): readonly string[] {
  const keys = keysOfChord(keysNow(keyMap.value, first));
  // What deletes is pressed twice.
  return first === "d" ? [...keys, ...keys] : keys;
}

/** Of two arrows with the same key before them, that key once: "Alt ↑ ↓". */
function besides(keys: readonly string[], before: string | readonly string[] | undefined): readonly string[] {
  const last = keys.at(-1) ?? "";
  const others = typeof before === "string" ? drawnKeys(before) : [];
  const isSame = last.startsWith("Arrow") && others.at(-1)?.startsWith("Arrow") && keys.slice(0, -1).join() === others.slice(0, -1).join();
  return isSame ? [last] : keys;
}

/** Single keys at all, and back to how it was. */
function ChangeHead() {
  return (
    <div class="keys-change">
      <span>Press a key to change it. Kept in this browser.</span>
      <label>
        <input type="checkbox" checked={singleKeys.value} onChange={(event) => setSingleKeys(event.currentTarget.checked)} />
        Single keys
      </label>
      <button class="button small" disabled={!Object.keys(keyMap.value).length} onClick={() => setKeyMap({})}>
        As at first
      </button>
    </div>
  );
}

/** The keys of a command, as a button: it takes the next ones that are pressed. */
function ChangeKeys({ first }: { first: string }) {
  const [isWaiting, setWaiting] = useState(false);
  const [says, setSays] = useState("");
  const what = COMMANDS.get(first) ?? first;
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isWaiting || event.key === "Tab") return;
    const chord = chordOf(event);
    event.preventDefault();
    event.stopPropagation();
    if (!chord) return;
    const wanted = chord === "Backspace" ? first : chord;
    const hindrance = chord === "Escape" ? "" : hindranceOf(keyMap.peek(), first, wanted, COMMANDS);
    setSays(hindrance);
    if (hindrance) return;
    setWaiting(false);
    if (chord !== "Escape") setKeyMap(withKeys(keyMap.peek(), first, wanted));
  };
  const leave = () => {
    setWaiting(false);
    setSays("");
  };
  return (
    <span class="change-keys">
      <button
        class={first in keyMap.value ? "change-key is-own" : "change-key"}
        aria-label={`Keys of “${what}”: ${drawnKeys(first).map((key) => NAMES[DRAWN[key] ?? key] ?? key).join(" ")}`}
        aria-pressed={isWaiting}
        onClick={() => setWaiting(!isWaiting)}
        onKeyDown={onKeyDown}
        onBlur={leave}
      >
        {isWaiting ? <kbd>…</kbd> : <Keys keys={drawnKeys(first)} />}
      </button>
      {isWaiting && (
        <span class="change-says floating" role="status">
          {says || `New keys for “${what}”. Esc leaves it, ⌫ gives it its first ones.`}
        </span>
      )}
    </span>
  );
}

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <>
      {keys.map((name) => {
        const key = DRAWN[name] ?? keyCap(name);
        return key === "–" ? (
          <span>–</span>
        ) : (
          <kbd>
            <span aria-hidden={key in NAMES ? "true" : undefined}>{key}</span>
            {key in NAMES && <span class="unseen">{NAMES[key]}</span>}
          </kbd>
        );
      })}
    </>
  );
}
