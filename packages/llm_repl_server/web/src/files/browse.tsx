/** Chooses a notebook among the files of the server's folder, or of this computer. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { dialog } from "../store/dialog.ts";
import { choices, parentOf, wayTo, type Choice } from "../store/file-list.ts";
import { readList } from "../store/notebook-list.ts";
import { goTo } from "../store/route.ts";
import { moment } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import { filesApi, type FileEntry } from "../wire/files.ts";
import { RestError } from "../wire/rest.ts";
import { openFile } from "./files.ts";

/** How many are drawn; a filter finds the others. */
const SHOWN = 300;

/** Where one was last. */
const folder = signal("");

export function Browse() {
  const [entries, setEntries] = useState<readonly FileEntry[] | null>(null);
  const [isCut, setCut] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const here = folder.value;
  useEffect(() => {
    const stop = new AbortController();
    setEntries(null);
    setFailure(null);
    filesApi.list(here, stop.signal).then(
      (found) => {
        setEntries(found.entries);
        setCut(found.truncated);
      },
      (error: unknown) => {
        if (!(error instanceof RestError)) return;
        if (here && error.status === 404) folder.value = ""; // it is gone
        else setFailure(error.message);
      },
    );
    return () => stop.abort();
  }, [here]);
  const found = useMemo(() => choices(here, entries ?? [], filter), [here, entries, filter]);
  const shown = found.slice(0, SHOWN);
  const chosen = Math.min(at, shown.length - 1);
  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen]);

  const enter = (path: string) => {
    folder.value = path;
    setFilter("");
    setAt(0);
    field.current?.focus();
  };
  const open = (choice: Choice | undefined) => {
    if (!choice?.canOpen) return;
    if (choice.entry.kind === "folder") enter(choice.path);
    else void openPath(choice.path).then(setFailure);
  };
  const parent = parentOf(here);
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const step = steps[event.key];
    if (step !== undefined) setAt(Math.max(0, Math.min(shown.length - 1, chosen + step)));
    else if (event.key === "Enter") open(shown[chosen]);
    else if (event.key === "Backspace" && !filter && parent !== null) enter(parent);
    else return;
    event.preventDefault();
  };
  return (
    <div class="browse">
      <nav class="browse-way" aria-label="Folder">
        <button class="button quiet small" onClick={() => enter("")}>
          <Icon name="folder" />
          Server's folder
        </button>
        {wayTo(here).map(({ name, path }) => (
          <span key={path}>
            <Icon name="right" />
            <button class="button quiet small" onClick={() => enter(path)}>
              {name}
            </button>
          </span>
        ))}
      </nav>
      <span class="find-field">
        <Icon name="search" />
        <input
          ref={field}
          class="input"
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="browse-list"
          aria-activedescendant={shown.length ? `browse-${chosen}` : undefined}
          aria-label="Find in this folder"
          placeholder="Find in this folder"
          autocomplete="off"
          autofocus
          value={filter}
          onInput={(event) => {
            setFilter(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKey}
        />
      </span>
      <ul id="browse-list" role="listbox" aria-label="Files" ref={list}>
        {shown.map((choice, place) => (
          <li
            key={choice.path}
            id={`browse-${place}`}
            role="option"
            aria-selected={place === chosen}
            aria-disabled={!choice.canOpen}
            onClick={() => open(choice)}
            onPointerMove={() => setAt(place)}
          >
            <Icon name={iconOf(choice)} />
            <b>{choice.entry.name}</b>
            <span class="quiet-text">{detailOf(choice.entry)}</span>
          </li>
        ))}
      </ul>
      <p class="quiet-text browse-note" role={failure ? "alert" : "status"}>
        {failure ?? noteOf(entries, found.length, isCut)}
      </p>
      <footer>
        <p class="quiet-text">
          A notebook of this folder lives in its file: what you change is written to it. One from your computer is
          copied.
        </p>
        <label class="button">
          <Icon name="drop" />
          From this computer
          <input
            type="file"
            accept=".llmn,.ipynb,.py,.md"
            multiple
            class="unseen"
            onChange={(event) => void copyAll(event.currentTarget.files)}
          />
        </label>
      </footer>
    </div>
  );
}

/** Open a file of the server's folder; gives why it can't be. */
export async function openPath(path: string): Promise<string | null> {
  try {
    const { id, notices } = await filesApi.open(path);
    for (const notice of notices) toast(notice);
    dialog.value = null;
    goTo(id);
    return null;
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return error.message;
  }
}

/** Copy files of this computer, and open the only one. */
export async function copyAll(files: FileList | readonly File[] | null): Promise<void> {
  for (const file of files ?? []) {
    try {
      const id = await openFile(file);
      dialog.value = null;
      if (files?.length === 1) goTo(id);
    } catch (error) {
      toast(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await readList();
}

function iconOf({ entry, canOpen }: Choice): IconName {
  if (entry.kind === "folder") return "folder";
  return !canOpen ? "file" : /\.py$/i.test(entry.name) ? "code" : /\.md$/i.test(entry.name) ? "md" : "braces";
}

function detailOf({ kind, modified_at }: FileEntry): string {
  return kind === "folder" ? "" : moment(modified_at);
}

function noteOf(entries: readonly FileEntry[] | null, count: number, isCut: boolean): string {
  if (entries === null) return "Loading";
  if (!entries.length) return "This folder is empty.";
  if (!count) return "Nothing here is called so.";
  if (isCut || count > SHOWN) return "There is more than is shown: type a part of the name.";
  return "";
}
