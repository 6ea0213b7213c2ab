/** The keys of a notebook, as Jupyter has them, while no text is edited. */

import { addCell, deleteCell, focusNeighbour, moveCell, runByKey } from "../cells/commands.ts";
import { editCell, editing, focused } from "../store/focus.ts";
import { openDialog } from "../store/dialog.ts";
import { openInspector, toggleInspector, TABS } from "../store/inspector.ts";
import type { OpenNotebook } from "../store/notebook.ts";

const TWICE_WITHIN_MS = 600;

/** Listen for keys; gives what ends it. */
export function installKeys(notebook: OpenNotebook): () => void {
  let before = { key: "", at: 0 };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || isTyping(event.target)) return;
    const id = focused.peek();
    // The editor is on its way: what is typed is meant for it, and only running needs it not.
    if (editing.peek() && !(event.key === "Enter" && id)) return;
    const twice = before.key === event.key && event.timeStamp - before.at < TWICE_WITHIN_MS;
    before = { key: event.key, at: event.timeStamp };
    if (!act(notebook, event, id, twice)) return;
    event.preventDefault();
    if (twice) before = { key: "", at: 0 };
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

function act(notebook: OpenNotebook, event: KeyboardEvent, id: string | null, twice: boolean): boolean {
  const withModifier = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && id && (withModifier || event.shiftKey || event.altKey)) {
    runByKey(notebook, id, event);
    return true;
  }
  if (event.altKey && id && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    moveCell(notebook, id, event.key === "ArrowUp" ? -1 : 1);
    return true;
  }
  if (withModifier && event.key === "i") {
    openInspector("request");
    return true;
  }
  if (withModifier || event.altKey) return false;
  const tab = TABS[Number(event.key) - 1];
  if (tab) {
    openInspector(tab);
    return true;
  }
  switch (event.key) {
    case "ArrowUp":
    case "k":
      focusNeighbour(notebook, id, -1);
      return true;
    case "ArrowDown":
    case "j":
      focusNeighbour(notebook, id, 1);
      return true;
    case "?":
      openDialog("keys");
      return true;
    case "I":
    case "i":
      toggleInspector();
      return true;
  }
  return id !== null && actOnCell(notebook, event.key, id, twice);
}

function actOnCell(notebook: OpenNotebook, key: string, id: string, twice: boolean): boolean {
  const index = notebook.order.peek().indexOf(id);
  const cell = notebook.view(id).cell.peek();
  if (!cell) return false;
  switch (key) {
    case "Enter":
      editCell(id);
      return true;
    case "a":
      addCell(notebook, "ComputationCell", index);
      return true;
    case "b":
      addCell(notebook, "ComputationCell", index + 1);
      return true;
    case "d":
      if (twice) deleteCell(notebook, id);
      return true;
    case "m":
      notebook.change(id, { type: "MarkdownCell" });
      return true;
    case "y":
      notebook.change(id, { type: "ComputationCell" });
      return true;
    case "p":
      notebook.change(id, { type: "PromptCell" });
      return true;
    case "P":
      notebook.change(id, { pinned: !cell.pinned });
      return true;
    case "S":
      notebook.change(id, { skipped: !cell.skipped });
      return true;
  }
  return false;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
