/** The table of keys. */

import { useState } from "preact/hooks";
import { setSingleKeys, singleKeys } from "../store/single-keys.ts";

/** What is done, and by which keys: those of a list by themselves, those in a list of their own together. */
type Row = readonly [string, ...(string | readonly string[])[]];

const KEYS: readonly (readonly [string, readonly Row[]])[] = [
  [
    "Run",
    [
      ["Run, stay", ["Ctrl", "↵"]],
      ["Run, go to the next", ["⇧", "↵"]],
      ["Run, add a cell below", ["Alt", "↵"]],
      ["Plan, and run all", ["Ctrl", "⇧", "↵"]],
      ["Run what is stale", ["Ctrl", "⇧", "S"]],
      ["Stop the cell", ["Ctrl", "."]],
      ["Stop the run", ["Ctrl", "⇧", "."]],
    ],
  ],
  [
    "Between cells, outside the text",
    [
      ["Cell above, below", "↑", "↓"],
      ["Edit", "↵"],
      ["Leave the text, keep it", "Esc"],
      ["Next that needs you", "N"],
    ],
  ],
  [
    "Cells, outside the text",
    [
      ["Add above, below", "A", "B"],
      ["To prompt, code, markdown", "P", "Y", "M"],
      ["To memory", "R"],
      ["Move up, down", ["Alt", "↑"], "↓"],
      ["Select several", ["⇧", "↑"], "↓"],
      ["Copy, cut, paste", "C", "X", "V"],
      ["Merge", ["⇧", "M"]],
      ["Delete, with undo", ["D", "D"]],
      ["Undo for cells, and back", "Z", ["⇧", "Z"]],
      ["Fold the source, the answer", "F", "O"],
    ],
  ],
  [
    "In the text",
    [
      ["Undo in this text", ["Ctrl", "Z"]],
      ["Insert a variable", "{"],
      ["Split the cell here", ["Ctrl", "⇧", "-"]],
      ["Tab moves on instead", ["Ctrl", "M"]],
    ],
  ],
  [
    "Prompts",
    [
      ["What will be sent", ["Ctrl", "I"]],
      ["Send the cell above or not", "S"],
      ["Pin, skip this cell", ["⇧", "P"], ["⇧", "S"]],
      ["Answer before, after", "[", "]"],
      ["Edit the answer", "E"],
      ["Ask several models", ["⇧", "E"]],
    ],
  ],
  [
    "Page",
    [
      ["Inspector", "I"],
      ["Its tabs", "1", "–", "5"],
      ["Notebooks", ["Ctrl", "O"]],
      ["Find and replace", ["Ctrl", "H"]],
      ["This table", "?"],
    ],
  ],
];

/** What a screen reader says for a key that is drawn. */
const NAMES: Readonly<Record<string, string>> = {
  "↵": "Enter", "⇧": "Shift", "↑": "Up", "↓": "Down", "–": "to", "{": "opening brace", "[": "opening bracket",
  "]": "closing bracket", ".": "full stop", "?": "question mark", "-": "minus",
};

export function KeysTable() {
  const [query, setQuery] = useState("");
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
        <label>
          <input type="checkbox" checked={singleKeys.value} onChange={(event) => setSingleKeys(event.currentTarget.checked)} />
          Single keys
        </label>
      </div>
      <div class="keys-columns">
        {shown.map(([title, rows]) =>
          rows.length ? (
            <section key={title}>
              <h3>{title}</h3>
              <dl>
                {rows.map(([what, ...keys]) => (
                  <div>
                    <dt>{what}</dt>
                    <dd>{keys.map((key) => <Keys keys={typeof key === "string" ? [key] : key} />)}</dd>
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

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <>
      {keys.map((key) =>
        key === "–" ? (
          <span>–</span>
        ) : (
          <kbd>
            <span aria-hidden={key in NAMES ? "true" : undefined}>{key}</span>
            {key in NAMES && <span class="unseen">{NAMES[key]}</span>}
          </kbd>
        ),
      )}
    </>
  );
}
