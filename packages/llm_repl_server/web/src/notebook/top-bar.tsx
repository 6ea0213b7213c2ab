/** The bar above a notebook: its name, running it, what it may cost, its kernel. */

import { useState } from "preact/hooks";
import { undo } from "../cells/commands.ts";
import { byPresence } from "../store/conflicts.ts";
import { fileName } from "../store/file-list.ts";
import { isPhone } from "../store/screen.ts";
import { takeFiles } from "../files/drop.ts";
import { chooseFiles } from "../files/choose.ts";
import { perform } from "../store/actions.ts";
import { openDialog } from "../store/dialog.ts";
import { Gauge } from "../run/gauge.tsx";
import { RunControls } from "../run/run-controls.tsx";
import { RunItems } from "../run/run-items.tsx";
import { useNotebook } from "../store/context.ts";
import { openCalls } from "../store/calls-view.ts";
import { inspectorTab, toggleInspector } from "../store/inspector.ts";
import { drawnKeysOf, withKeysOf } from "../store/key-map.ts";
import { goTo } from "../store/route.ts";
import { connection } from "../store/server.ts";
import { plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { duplicateNotebook } from "../wire/cell-steps.ts";
import { rest } from "../wire/rest.ts";
import { focusCell } from "../store/focus.ts";
import { KernelButton } from "./kernel-button.tsx";
import { newId } from "../store/ids.ts";
import type { OpenNotebook } from "../store/notebook.ts";

export function TopBar() {
  return (
    <header class="bar">
      <div class="bar-left">
        <button
          class="button quiet only-icon"
          aria-label="Notebooks"
          title={withKeysOf("Ctrl+o", "Notebooks")}
          onClick={() => perform("notebooks")}
        >
          <Icon name="list" />
        </button>
        <Name />
        <Saved />
      </div>
      <div class="bar-middle">
        {!isPhone.value && <RunControls />}
      </div>
      <div class="bar-right">
        <Gauge />
        <KernelButton />
        <button
          class="button quiet"
          aria-label="Inspect"
          title={withKeysOf("i", "Inspect")}
          aria-pressed={inspectorTab.value !== null}
          onClick={toggleInspector}
        >
          <Icon name="panel" />
          <span class="wide-only">Inspect</span>
        </button>
        <More />
      </div>
    </header>
  );
}

function Name() {
  const notebook = useNotebook();
  const [edited, setEdited] = useState<string | null>(null);
  const name = notebook.name.value;
  const done = () => {
    if (edited?.trim() && edited !== name) notebook.rename(edited.trim());
    setEdited(null);
  };
  if (edited === null) {
    return (
      <button class="name" title="Rename" onClick={() => setEdited(name)}>
        {name}
      </button>
    );
  }
  return (
    <input
      class="input"
      aria-label="Name of the notebook"
      value={edited}
      autofocus
      onInput={(event) => setEdited(event.currentTarget.value)}
      onBlur={done}
      onKeyDown={(event) => {
        if (event.isComposing) return;
        if (event.key === "Enter") done();
        if (event.key === "Escape") setEdited(null);
        event.stopPropagation();
      }}
    />
  );
}

/** Whether the server has all that was typed. A button to the first cell that it has not. */
function Saved() {
  const notebook = useNotebook();
  const { outbox, unsent, unsentCount, order } = notebook;
  const conflicts = byPresence(notebook.conflicts.value, order.value).there;
  const file = notebook.file.value;
  const waiting = unsentCount.value;
  const isConnected = connection.value === "connected";
  const places = conflicts.map(({ cellId }) => order.value.indexOf(cellId) + 1);
  const first = conflicts[0]?.cellId ?? [...unsent.value][0] ?? null;
  const [icon, text, tone] = conflicts.length
    ? (["conflict", `${plural(conflicts.length, "conflict")}, cell ${places.join(", ")}`, "warns"] as const)
    : waiting && !isConnected
      ? (["kept", `${plural(waiting, "edit")} kept here`, "warns"] as const)
      : outbox.queue.value.length || file?.state === "waiting"
        ? (["dot", "Saving", ""] as const)
        : file && file.state !== "saved"
          ? (["warn", "Not in the file", "warns"] as const)
          : (["done", file ? `Saved in ${fileName(file.path)}` : "Saved", ""] as const);
  return (
    <button
      class={`bar-state ${tone}`}
      aria-label={text}
      title={file ? `${text}: ${file.error ?? file.path}` : text}
      onClick={() => focusCell(first)}
    >
      <Icon name={icon} />
      <span class="wide-only file-name">{text}</span>
    </button>
  );
}

function undoWords(notebook: OpenNotebook): string {
  const last = notebook.history.value.done.at(-1);
  return last ? `Undo: ${last.words}` : "Undo for cells";
}

function More() {
  const notebook = useNotebook();
  const download = (format: string) => location.assign(rest.downloadAddress(notebook.id, format));
  return (
    <MenuButton label="More">
      <RunItems />
      <hr />
      <MenuItem icon="search" keys={drawnKeysOf("Ctrl+h")} onClick={() => perform("find")}>
        Find and replace
      </MenuItem>
      <MenuItem icon="undo" keys={drawnKeysOf("z")} disabled={!notebook.history.value.done.length} onClick={() => undo(notebook)}>
        {undoWords(notebook)}
      </MenuItem>
      <MenuItem icon="trash" onClick={() => perform("bin")}>
        Bin
      </MenuItem>
      <MenuItem icon="each" onClick={() => void duplicateNotebook(notebook.id, newId()).then(({ id }) => goTo(id))}>
        Duplicate
      </MenuItem>
      <hr />
      <MenuItem icon="file" onClick={() => chooseFiles((files) => void takeFiles(notebook, files))}>
        Add a file
      </MenuItem>
      <MenuItem icon="calls" onClick={() => openCalls()}>
        Calls
      </MenuItem>
      <hr />
      <MenuItem icon="drop" onClick={() => download("llmn")}>
        Download as .llmn
      </MenuItem>
      <MenuItem icon="drop" onClick={() => download("ipynb")}>
        Download as .ipynb
      </MenuItem>
      <MenuItem icon="drop" onClick={() => download("html")}>
        Download as .html
      </MenuItem>
      <hr />
      <MenuItem icon="kbd" keys={drawnKeysOf("?")} onClick={() => openDialog("keys")}>
        Keyboard
      </MenuItem>
      <MenuItem icon="sliders" onClick={() => openDialog("settings")}>
        Settings
      </MenuItem>
    </MenuButton>
  );
}
