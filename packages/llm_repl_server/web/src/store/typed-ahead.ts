/** What is typed into a cell before its editor is there: it is the editor's as soon as it comes. */

import { editing, focused } from "./focus.ts";

let ahead = { cellId: "", text: "" };

/** Take a key that was meant for the editor; false: it is none that writes. */
export function typeAhead(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || editing.peek() === null) return false;
  const cellId = focused.peek() ?? "";
  const before = ahead.cellId === cellId ? ahead.text : "";
  const text = withKey(before, event.key);
  if (text === null) return false;
  ahead = { cellId, text };
  return true;
}

function withKey(text: string, key: string): string | null {
  if (key === "Enter") return `${text}\n`;
  if (key === "Backspace" && text) return [...text].slice(0, -1).join("");
  return [...key].length === 1 ? text + key : null;
}

/** Take what was typed ahead into a cell; empty: nothing. */
export function takeTypedAhead(cellId: string): string {
  const { text } = ahead.cellId === cellId ? ahead : { text: "" };
  if (text) ahead = { cellId: "", text: "" };
  return text;
}

/** The cell that something was typed ahead into, and whose editor did not come; null: none. */
export function leftAhead(): string | null {
  return ahead.text && (editing.peek() === null || focused.peek() !== ahead.cellId) ? ahead.cellId : null;
}
