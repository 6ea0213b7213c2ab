/** The list of notebooks, and a first one to try. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { address, goTo } from "../store/route.ts";
import { openDialog } from "../store/dialog.ts";
import { beginning, beginningMetadata } from "../store/new-notebooks.ts";
import { defaultAnswerer } from "../store/server.ts";
import { moment, plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { toast } from "../ui/toasts.tsx";
import { rest, RestError } from "../wire/rest.ts";
import type { NotebookSummary } from "../wire/shapes.ts";
import { openExample } from "./example.ts";
import { openFile } from "../files/files.ts";

/** Null: not read yet. */
const notebooks = signal<readonly NotebookSummary[] | null>(null);

/** Read the list anew: at the start, and when a notebook was made, renamed or deleted. */
export async function readList(): Promise<void> {
  try {
    const all = await rest.listNotebooks();
    notebooks.value = [...all].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    toast(error.message);
  }
}

export function StartPage() {
  useEffect(() => void readList(), []);
  return (
    <>
      <header class="bar">
        <span class="brand">
          <Icon name="mark" />
          LLM-REPL
        </span>
        <span class="bar-right">
          <button class="button quiet" onClick={() => openDialog("settings")}>
            <Icon name="key" />
            {defaultAnswerer.value}
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
      <main class="start" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
        <div>
          <h1>Notebooks</h1>
          <List />
        </div>
        <Example />
      </main>
    </>
  );
}

function List() {
  const [query, setQuery] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = notebooks.value;
  const shown = all?.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  return (
    <>
      <div class="tools">
        <input
          class="input"
          type="search"
          placeholder="Find a notebook"
          aria-label="Find a notebook"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <button class="button" onClick={() => file.current?.click()}>
          <Icon name="folder" />
          Open a file
        </button>
        <input
          ref={file}
          type="file"
          accept=".llmn,.ipynb"
          hidden
          onChange={(event) => void openAll(event.currentTarget.files)}
        />
        <button class="button primary" onClick={() => void create()}>
          <Icon name="plus" />
          New notebook
        </button>
      </div>
      {shown?.length ? (
        <table class="notebooks">
          <thead>
            <tr>
              <th>Name</th>
              <th>Cells</th>
              <th>Edited</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {shown.map((notebook) => (
              <Row key={notebook.id} notebook={notebook} />
            ))}
          </tbody>
        </table>
      ) : (
        <p class="empty">{!all ? "Loading" : all.length ? "No name has these words." : "There is no notebook yet."}</p>
      )}
      <p class="drop-here">
        <Icon name="drop" />
        <span>
          Drop <code>.llmn</code> or <code>.ipynb</code> files here to open them. Opening runs nothing.
        </span>
      </p>
    </>
  );
}

function Row({ notebook }: { notebook: NotebookSummary }) {
  const remove = async () => {
    if (!confirm(`Delete “${notebook.name}” with its answers and its memory? This can't be undone.`)) return;
    await rest.deleteNotebook(notebook.id);
    await readList();
  };
  return (
    <tr>
      <td>
        <a href={address(notebook.id)}>{notebook.name}</a>
      </td>
      <td class="quiet-text">{plural(notebook.cell_count, "cell")}</td>
      <td>{moment(notebook.updated_at)}</td>
      <td>
        <MenuButton label={`More for ${notebook.name}`}>
          <MenuItem icon="drop" onClick={() => location.assign(rest.downloadAddress(notebook.id, "llmn"))}>
            Download as .llmn
          </MenuItem>
          <MenuItem icon="drop" onClick={() => location.assign(rest.downloadAddress(notebook.id, "ipynb"))}>
            Download as .ipynb
          </MenuItem>
          <hr />
          <MenuItem icon="trash" danger onClick={() => void remove()}>
            Delete
          </MenuItem>
        </MenuButton>
      </td>
    </tr>
  );
}

function Example() {
  return (
    <aside class="example">
      <h2>Your first minute</h2>
      <p>A variable, a prompt that uses it, a structured answer, and two prompts at once.</p>
      <button class="button" onClick={() => void openExample()}>
        Open the example
      </button>
      <p class="note">
        <Icon name="record" />
        Its answers come from the built-in mock: free, offline, always the same.
      </p>
    </aside>
  );
}

async function create(): Promise<void> {
  const { id } = await rest.createNotebook(undefined, beginningMetadata(beginning.value));
  await rest.createCell(id, { type: "ComputationCell" });
  goTo(id);
}

function onDrop(event: DragEvent): void {
  event.preventDefault();
  void openAll(event.dataTransfer?.files ?? null);
}

async function openAll(files: FileList | null): Promise<void> {
  for (const file of files ?? []) {
    try {
      const id = await openFile(file);
      if (files?.length === 1) goTo(id);
    } catch (error) {
      toast(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await readList();
}
