/** The list of notebooks, and a first one to try. */

import { useEffect } from "preact/hooks";
import { dropOnList } from "../files/drop.ts";
import { takeDrops } from "../files/window-drops.ts";
import { openDialog } from "../store/dialog.ts";
import { beginNotebook } from "../store/begin.ts";
import type { SortKey } from "../store/list-order.ts";
import {
  find, isMoving, notebooks, order, query, readList, showAll, shownCount, sortBy, sorted,
} from "../store/notebook-list.ts";
import { defaultAnswerer } from "../store/server.ts";
import { count } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { FirstMinute } from "./first-minute.tsx";
import { Found } from "./found.tsx";
import { NotebookRow } from "./notebook-row.tsx";

const LOOK_EVERY_MS = 3000;

export function StartPage() {
  useEffect(() => void readList(), []);
  useEffect(() => takeDrops((files) => void dropOnList(files)), []);
  const moves = isMoving.value;
  useEffect(() => {
    if (!moves) return;
    const timer = setInterval(() => void readList(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [moves]);
  return (
    <>
      <header class="bar">
        <span class="brand">
          <Icon name="mark" />
          LLM-REPL
        </span>
        <span class="bar-right">
          <button
            class="button quiet"
            aria-label={`Who answers: ${defaultAnswerer.value}`}
            title="Who answers"
            onClick={() => openDialog("settings")}
          >
            <Icon name="key" />
            <span>{defaultAnswerer.value}</span>
          </button>
          <button class="button quiet" aria-label="Keyboard" title="Keyboard" onClick={() => openDialog("keys")}>
            <Icon name="kbd" />
            <span class="wide-only">Keyboard</span>
          </button>
          <button class="button quiet" aria-label="Settings" title="Settings" onClick={() => openDialog("settings")}>
            <Icon name="sliders" />
            <span class="wide-only">Settings</span>
          </button>
        </span>
      </header>
      <main class="start">
        <div>
          <h1>Notebooks</h1>
          <List />
        </div>
        <FirstMinute />
      </main>
    </>
  );
}

function List() {
  return (
    <>
      <div class="tools">
        <span class="find-field">
          <Icon name="search" />
          <input
            class="input"
            type="search"
            placeholder="Find in names, texts and answers"
            aria-label="Find in names, texts and answers"
            maxLength={200}
            value={query.value}
            onInput={(event) => find(event.currentTarget.value)}
          />
        </span>
        <button class="button" onClick={() => openDialog("files")}>
          <Icon name="folder" />
          Open a file
        </button>
        <button class="button primary" onClick={() => void beginNotebook()}>
          <Icon name="plus" />
          New notebook
        </button>
      </div>
      {query.value.trim() ? <Found /> : <Table />}
      <p class="drop-here">
        <Icon name="drop" />
        <span>
          Drop <code>.llmn</code> or <code>.ipynb</code> files here to open them. Opening never runs anything. Any other file, such as a
          CSV file, begins a notebook about it.
        </span>
      </p>
      <button class="button quiet bin-below" onClick={() => openDialog("bin")}>
        <Icon name="trash" />
        Deleted notebooks
      </button>
    </>
  );
}

const COLUMNS: readonly (readonly [string, SortKey | null, string])[] = [
  ["Name", "name", ""],
  ["State", null, "state-column"],
  ["Spent", "spent", "number-column"],
  ["Edited", "edited", "edited-column"],
];

function Table() {
  if (notebooks.value === null) return <p class="empty">Loading</p>;
  if (!notebooks.value.length) {
    return (
      <p class="empty">
        There is no notebook yet. Make a new one, drop a file here, or begin with the example.
      </p>
    );
  }
  const all = sorted.value;
  const { by, isDown } = order.value;
  return (
    <>
      <table class="notebooks">
        <thead>
          <tr>
            {COLUMNS.map(([word, key, name]) => (
              <th key={word} class={name} aria-sort={key === by ? (isDown ? "descending" : "ascending") : undefined}>
                {key === null ? (
                  word
                ) : (
                  <button onClick={() => void sortBy(key)}>
                    {word}
                    {key === by && <Icon name={isDown ? "down" : "up"} />}
                  </button>
                )}
              </th>
            ))}
            <th>
              <span class="unseen">More</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {all.slice(0, shownCount.value).map((notebook) => (
            <NotebookRow key={notebook.id} notebook={notebook} />
          ))}
        </tbody>
      </table>
      {all.length > shownCount.value && (
        <button class="button all-notebooks" onClick={() => void showAll()}>
          Show all {count(all.length)}
        </button>
      )}
    </>
  );
}
