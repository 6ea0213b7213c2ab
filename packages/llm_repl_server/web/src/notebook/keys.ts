/** The keys of a notebook, as Jupyter has them where it has any, while no text is edited. */

import { effect, untracked } from "@preact/signals";
import {
  addCell, cellsFor, changeType, deleteCells, focusNeighbour, focusNextThatNeedsYou, mergeCells, moveCells, redo,
  runByKey, toggleFlag, undo,
} from "../cells/commands.ts";
import { copyCells, pasteCopied } from "../cells/copying.ts";
import { toggleFold } from "../cells/folds.ts";
import { perform, type Action } from "../store/actions.ts";
import { chooseAll, editCell, editing, focusCell, focused, returnToCell, stopEditing } from "../store/focus.ts";
import { openDialog } from "../store/dialog.ts";
import type { Pressed } from "../store/chords.ts";
import { openInspector, toggleInspector, TABS } from "../store/inspector.ts";
import { meaning } from "../store/key-map.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { singleKeys } from "../store/single-keys.ts";
import { leftAhead, takeTypedAhead, typeAhead } from "../store/typed-ahead.ts";
import { isPanelAwaited } from "../ui/panel.tsx";
import type { CellType } from "../wire/shapes.ts";

const TWICE_WITHIN_MS = 600;

/** Listen for keys; gives what ends it. */
export function installKeys(notebook: OpenNotebook): () => void {
  let before = { key: "", at: 0 };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const id = focused.peek();
    const meant = meaning(event);
    // A letter is text where one types, whatever it does elsewhere.
    const isText = event.key.length === 1 && !(event.ctrlKey || event.metaKey || event.altKey);
    const isOfText = isText && (editing.peek() !== null || isTyping(event.target));
    if (meant && !isOfText && withControl(notebook, meant, id)) {
      event.preventDefault();
      return;
    }
    if (isTyping(event.target)) return;
    // The editor is on its way: what is typed is meant for it, and only leaving and running need it not.
    if (editing.peek()) {
      const isInConflict = id !== null && notebook.outbox.conflicts.peek().has(id);
      if (!isInConflict && typeAhead(event)) event.preventDefault();
      else if (event.key === "Escape") stopEditing();
      if (meant?.key !== "Enter" || event.defaultPrevented) return;
    }
    if (!meant || isPanelAwaited()) return;
    const twice = before.key === meant.key && event.timeStamp - before.at < TWICE_WITHIN_MS;
    before = { key: meant.key, at: event.timeStamp };
    const isOnCell = !(event.target instanceof HTMLElement && event.target.closest("button, a, summary, [role=menuitem]"));
    if (!act(notebook, meant, id, twice, isOnCell)) return;
    event.preventDefault();
    if (twice) before = { key: "", at: 0 };
  };
  addEventListener("keydown", onKeyDown);
  const end = effect(() => {
    void [editing.value, focused.value]; // with each change of them
    untracked(() => keepTypedAhead(notebook));
  });
  return () => {
    removeEventListener("keydown", onKeyDown);
    end();
  };
}

/** Who left a cell before its editor came has typed into it all the same. */
function keepTypedAhead(notebook: OpenNotebook): void {
  const cellId = leftAhead();
  if (cellId === null) return;
  const text = takeTypedAhead(cellId);
  const cell = notebook.view(cellId).cell.peek();
  if (cell) notebook.change(cellId, { content: cell.content + text });
  else notebook.outbox.typedIntoDeleted(cellId, text);
}

/** The keys with Control, which count while a text is edited as well. */
const WITH_CONTROL: Readonly<Record<string, Action>> = {
  o: "notebooks", h: "find", ".": "stopCell",
};
const WITH_CONTROL_AND_SHIFT: Readonly<Record<string, Action>> = {
  Enter: "plan", s: "runStale", ".": "stopRun", ">": "stopRun", ":": "stopRun",
};

function withControl(notebook: OpenNotebook, event: Pressed, id: string | null): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = (event.shiftKey ? WITH_CONTROL_AND_SHIFT : WITH_CONTROL)[key];
  if (action !== undefined) return perform(action) || byItself(notebook, action, id);
  if (key === "i" && !event.shiftKey) {
    openInspector("request");
    return true;
  }
  return false;
}

/** What the page does for an action while no part of it does more. */
function byItself(notebook: OpenNotebook, action: Action, id: string | null): boolean {
  switch (action) {
    case "plan":
      void notebook.runAll();
      return true;
    case "runStale":
      void notebook.runStale();
      return true;
    case "stopRun":
      void notebook.interrupt();
      return true;
    case "stopCell":
      if (id !== null) void notebook.interruptCell(id);
      return true;
    default:
      return false;
  }
}

function act(notebook: OpenNotebook, event: Pressed, id: string | null, twice: boolean, isOnCell: boolean): boolean {
  const withModifier = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && id && (withModifier || event.shiftKey || event.altKey)) {
    runByKey(notebook, id, event);
    return true;
  }
  if (event.altKey && id && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    moveCells(notebook, cellsFor(id), event.key === "ArrowUp" ? -1 : 1);
    return true;
  }
  if (withModifier && event.key === "a" && id) {
    chooseAll();
    return true;
  }
  if (withModifier || event.altKey) return false;
  switch (event.key) {
    case "ArrowUp":
    case "ArrowDown":
      focusNeighbour(notebook, id, event.key === "ArrowUp" ? -1 : 1, event.shiftKey);
      return true;
    case "Home":
    case "End":
      focusCell(notebook.order.peek().at(event.key === "Home" ? 0 : -1) ?? null);
      return true;
    case "Escape":
      focusCell(id); // one cell of several stays chosen
      if (document.activeElement?.closest(".cell")) returnToCell(); // from a button of it
      return id !== null;
    case "Enter":
      if (id === null || !isOnCell) return false;
      editCell(id);
      return true;
    case "Delete":
    case "Backspace":
      return false; // two keys delete, and none alone
  }
  return singleKeys.peek() && letter(notebook, event.key, id, twice);
}

const TYPES: Readonly<Record<string, CellType>> = {
  m: "MarkdownCell", y: "ComputationCell", p: "PromptCell", r: "MemoryCell",
};
const ACTIONS: Readonly<Record<string, Action>> = {
  "[": "answerBefore", "]": "answerAfter", e: "editAnswer", E: "askSeveral", s: "sendAlong",
};

function letter(notebook: OpenNotebook, key: string, id: string | null, twice: boolean): boolean {
  const tab = TABS[Number(key) - 1];
  if (tab) {
    openInspector(tab);
    return true;
  }
  switch (key) {
    case "k":
    case "K":
      focusNeighbour(notebook, id, -1, key === "K");
      return true;
    case "j":
    case "J":
      focusNeighbour(notebook, id, 1, key === "J");
      return true;
    case "?":
      openDialog("keys");
      return true;
    case "I":
    case "i":
      toggleInspector();
      return true;
    case "z":
      undo(notebook);
      return true;
    case "Z":
      redo(notebook);
      return true;
    case "n":
      focusNextThatNeedsYou(notebook);
      return true;
    case "v":
    case "V":
      void pasteCopied(notebook, key === "V");
      return true;
  }
  return id !== null && onCell(notebook, key, id, twice);
}

function onCell(notebook: OpenNotebook, key: string, id: string, twice: boolean): boolean {
  const index = notebook.order.peek().indexOf(id);
  if (index < 0) return false;
  const type = TYPES[key];
  const action = ACTIONS[key];
  const all = cellsFor(id);
  if (type) changeType(notebook, all, type);
  else if (action) return perform(action);
  else {
    switch (key) {
      case "a":
      case "b":
        addCell(notebook, "ComputationCell", key === "a" ? index : index + 1);
        break;
      case "c":
      case "x":
        copyCells(notebook, key === "x");
        break;
      case "d":
        if (twice) deleteCells(notebook, all);
        break;
      case "f":
        toggleFold(notebook, all, "source");
        break;
      case "o":
        toggleFold(notebook, all, "outputs");
        break;
      case "M":
        mergeCells(notebook, all);
        break;
      case "P":
        toggleFlag(notebook, all, "pinned");
        break;
      case "S":
        toggleFlag(notebook, all, "skipped");
        break;
      default:
        return false;
    }
  }
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
