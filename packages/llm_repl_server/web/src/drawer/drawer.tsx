/** The drawer: all notebooks, and what the open one consists of. */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { openDialog } from "../store/dialog.ts";
import { focusCell } from "../store/focus.ts";
import { notebooks, overviews, readList, sorted } from "../store/notebook-list.ts";
import { beginNotebook } from "../store/begin.ts";
import { drawerIsOpen } from "../store/opened-panels.ts";
import { outlineOf } from "../store/outline.ts";
import { address, goTo } from "../store/route.ts";
import { HowItIs } from "../start/notebook-row.tsx";
import { moment, plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { NotebookSummary } from "../wire/shapes.ts";

/** How many notebooks are drawn; the start page has them all. */
const SHOWN = 200;

export function Drawer() {
  const notebook = useNotebook();
  const element = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState("");
  useLayoutEffect(() => {
    element.current?.showModal();
    void readList();
  }, []);
  // By the element: it gives the focus back to where it was.
  const close = () => element.current?.close();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  return (
    <dialog
      ref={element}
      class="drawer"
      aria-label="Notebooks"
      onClose={() => (drawerIsOpen.value = false)}
      onKeyDown={(event) => {
        // A search field would take the first Escape for itself.
        if (event.key !== "Escape" || event.isComposing) return;
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === element.current && close()}
    >
      <div class="drawer-whole">
        <header>
          <span class="brand">
            <Icon name="mark" />
            LLM-REPL
          </span>
          <button class="button quiet only-icon" aria-label="Close" title="Close (Esc)" onClick={close}>
            <Icon name="x" />
          </button>
        </header>
        <div class="drawer-tools">
          <input
            class="input"
            type="search"
            placeholder="Find"
            aria-label="Find a notebook or a part of this one"
            autofocus
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
          <button class="button" onClick={() => void beginNotebook().then(close)}>
            <Icon name="plus" />
            New
          </button>
        </div>
        <div class="drawer-list">
          <ul>
            {sorted.value.filter(({ name }) => has(name)).slice(0, SHOWN).map((one) => (
              <li key={one.id}>
                <a href={address(one.id)} aria-current={one.id === notebook.id ? "page" : undefined} onClick={close}>
                  <b>{one.name}</b>
                  <How notebook={one} isOpen={one.id === notebook.id} />
                </a>
                {one.id === notebook.id && <Outline has={has} close={close} />}
              </li>
            ))}
          </ul>
          {notebooks.value === null && <p class="quiet-text">Loading</p>}
        </div>
        <footer>
          <button
            class="button quiet"
            onClick={() => {
              close();
              openDialog("files");
            }}
          >
            <Icon name="folder" />
            Open a file
          </button>
          <button
            class="button quiet"
            onClick={() => {
              close();
              goTo(null);
            }}
          >
            <Icon name="list" />
            All notebooks
          </button>
          <button
            class="button quiet only-icon"
            aria-label="Bin"
            title="Bin: what was deleted"
            onClick={() => {
              close();
              openDialog("bin");
            }}
          >
            <Icon name="trash" />
          </button>
          <button
            class="button quiet"
            onClick={() => {
              close();
              openDialog("settings");
            }}
          >
            <Icon name="sliders" />
            Settings
          </button>
        </footer>
      </div>
    </dialog>
  );
}

/** How a notebook is: a shape and words. */
function How({ notebook, isOpen }: { notebook: NotebookSummary; isOpen: boolean }) {
  const file = useNotebook().file.value;
  const overview = overviews.value.get(notebook.id);
  if (!isOpen && overview) return <HowItIs overview={overview} />;
  return (
    <span class="quiet-text">
      <Icon name={isOpen ? "done" : "file"} />
      {isOpen ? (file ? `open here, in ${file.path}` : "open here") : `${plural(notebook.cell_count, "cell")}, ${moment(notebook.updated_at)}`}
    </span>
  );
}

/** The headings of the notebook. */
function Outline({ has, close }: { has: (text: string) => boolean; close: () => void }) {
  const notebook = useNotebook();
  const state = notebook.whole.value;
  const outline = useMemo(() => (state ? outlineOf(state) : []), [state?.order, state?.cells]);
  const shown = outline.filter(({ text }) => has(text));
  if (!shown.length) return null;
  return (
    <ul class="outline" aria-label="In this notebook">
      {shown.map(({ cellId, text, level }) => (
        <li class={`level-${level}`}>
          <button
            onClick={() => {
              close();
              focusCell(cellId);
              document.getElementById(`cell-${cellId}`)?.scrollIntoView({ block: "start" });
            }}
          >
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
