/** Copy, cut and paste of cells by the system's clipboard, so that it goes between windows and programs. */

import { takeFiles } from "../files/drop.ts";
import { announce } from "../store/announce.ts";
import { chosen, editing, focused } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { toast } from "../ui/toasts.tsx";
import { plural } from "../ui/format.ts";
import { fromText, toNbformat } from "./clipboard.ts";
import { deleteCells, insertCells } from "./commands.ts";

/** What was copied last, for a key that the browser does not take for pasting. */
const LAST = "llm-repl-copied-cells";

/** Put the chosen cells into the clipboard. */
export function copyCells(notebook: OpenNotebook, cut = false): void {
  const ids = chosen.peek();
  const cells = ids.map((id) => notebook.view(id).cell.peek()).filter((cell) => cell !== undefined);
  if (!cells.length) return;
  const text = toNbformat(cells);
  const write = (event: ClipboardEvent) => {
    event.preventDefault();
    event.clipboardData?.setData("text/plain", text);
  };
  // By the event: pages that came by plain HTTP have no other clipboard.
  document.addEventListener("copy", write, { capture: true });
  document.execCommand("copy");
  document.removeEventListener("copy", write, { capture: true });
  try {
    localStorage.setItem(LAST, text);
  } catch {
    // Too much for it, or it is not there: the browser's own paste has it still.
  }
  if (cut) deleteCells(notebook, ids, "cut");
  else announce(`${plural(cells.length, "cell")} copied`);
}

/** Where somebody is: what is pasted comes beside it, once the clipboard has told what that is. */
const placeNow = () => ({ chosen: chosen.peek(), focused: focused.peek(), editing: editing.peek() });

/** Paste what was copied last below (or above) the focused cell, by a single key. */
export async function pasteCopied(notebook: OpenNotebook, above = false): Promise<void> {
  const place = placeNow();
  pasteText(notebook, (await clipboardText()) ?? localStorage.getItem(LAST) ?? "", above, place);
}

/** The clipboard's text, where the browser has been allowed to tell it; it is not asked for here. */
async function clipboardText(): Promise<string | null> {
  try {
    const permission = await navigator.permissions.query({ name: "clipboard-read" as PermissionName });
    return permission.state === "granted" ? await navigator.clipboard.readText() : null;
  } catch {
    return null;
  }
}

export function pasteText(notebook: OpenNotebook, text: string, above = false, place = placeNow()): void {
  const cells = fromText(text);
  if (!cells.length) {
    toast(text ? "The clipboard has too much to paste." : "Nothing was copied yet.");
    return;
  }
  const order = notebook.order.peek();
  const [first, last] = [place.chosen[0], place.chosen.at(-1) ?? place.focused];
  const at = above ? order.indexOf(first ?? "") : order.indexOf(last ?? "") + 1;
  // Who has gone on meanwhile, to type elsewhere perhaps, is not taken away from there.
  const takesFocus = focused.peek() === place.focused && editing.peek() === place.editing;
  insertCells(notebook, cells, place.focused === null ? order.length : Math.max(0, at), { takesFocus });
}

/** Listen for the browser's own copy, cut and paste, outside of texts; gives what ends it. */
export function installClipboard(notebook: OpenNotebook): () => void {
  const isOutside = () => {
    const active = document.activeElement;
    const isTyping = active instanceof HTMLElement && (active.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName));
    return !isTyping && !document.querySelector("dialog[open]");
  };
  const onCopy = (event: ClipboardEvent) => {
    const selects = !(document.getSelection()?.isCollapsed ?? true);
    if (event.defaultPrevented || selects || !isOutside() || !chosen.peek().length) return;
    event.preventDefault();
    copyCells(notebook, event.type === "cut");
  };
  const onPaste = (event: ClipboardEvent) => {
    if (event.defaultPrevented || !isOutside()) return;
    const data = event.clipboardData;
    if (!data) return;
    event.preventDefault();
    if (data.files.length) void takeFiles(notebook, data.files);
    else pasteText(notebook, data.getData("text/plain"));
  };
  document.addEventListener("copy", onCopy);
  document.addEventListener("cut", onCopy);
  document.addEventListener("paste", onPaste);
  return () => {
    document.removeEventListener("copy", onCopy);
    document.removeEventListener("cut", onCopy);
    document.removeEventListener("paste", onPaste);
  };
}
