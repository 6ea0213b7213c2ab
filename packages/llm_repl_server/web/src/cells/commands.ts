/** What keys, buttons and menus do with cells. */

import { perform } from "../store/actions.ts";
import { announce } from "../store/announce.ts";
import type { Step } from "../store/edits.ts";
import { anchor, chosen, chooseTo, editCell, editing, focusCell, focused, stopEditing } from "../store/focus.ts";
import type { Pressed } from "../store/chords.ts";
import { openInspector } from "../store/inspector.ts";
import { meaning } from "../store/key-map.ts";
import { newId } from "../store/ids.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { fieldsOf } from "../store/structure.ts";
import { toast } from "../ui/toasts.tsx";
import { plural } from "../ui/format.ts";
import type { CellType } from "../wire/shapes.ts";
import { copyOf, type PastedCell } from "./clipboard.ts";

export async function runCell(notebook: OpenNotebook, id: string): Promise<void> {
  if (notebook.view(id).cell.peek()?.type === "MarkdownCell") return;
  await notebook.runCell(id);
}

/** Make a cell and edit it. */
export function addCell(notebook: OpenNotebook, type: CellType, position: number): void {
  editCell(notebook.create(type, position));
}

/** Delete cells; a notice offers them back. */
export function deleteCells(notebook: OpenNotebook, ids: readonly string[], word = "deleted"): void {
  const order = notebook.order.peek();
  const gone = new Set(ids);
  const first = order.findIndex((id) => gone.has(id));
  if (first < 0) return;
  const others = order.filter((id) => !gone.has(id));
  notebook.edit(
    `delete ${plural(ids.length, "cell")}`,
    ids.map((cellId) => ({ do: "delete", cellId })),
  );
  focusCell(others[Math.min(first, others.length - 1)] ?? null);
  const text = ids.length === 1 ? `The cell was ${word}.` : `${plural(ids.length, "cell")} were ${word}.`;
  toast(text, "Undo", () => undo(notebook));
}

export function deleteCell(notebook: OpenNotebook, id: string): void {
  deleteCells(notebook, [id]);
}

export function undo(notebook: OpenNotebook): void {
  say(notebook, "Undone", notebook.undo());
}

export function redo(notebook: OpenNotebook): void {
  say(notebook, "Done again", notebook.redo());
}

function say(notebook: OpenNotebook, what: string, words: string | null): void {
  announce(words === null ? "Nothing to undo for cells" : `${what}: ${words}`);
  const order = notebook.order.peek();
  if (focused.peek() === null || !order.includes(focused.peek() ?? "")) focusCell(order[0] ?? null);
}

/** Move the chosen cells, which stay together, by one place. */
export function moveCells(notebook: OpenNotebook, ids: readonly string[], by: -1 | 1): void {
  const order = notebook.order.peek();
  const places = ids.map((id) => order.indexOf(id));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  if (first < 0 || first + by < 0 || last + by >= order.length) return;
  // The neighbour goes to the other side, so that one step moves any number of cells.
  const neighbour = order[by < 0 ? first - 1 : last + 1];
  if (neighbour === undefined) return;
  notebook.edit("move", [{ do: "move", cellId: neighbour, position: by < 0 ? last : first }]);
  announce(`Moved to place ${first + by + 1} of ${order.length}`);
}

export function moveCell(notebook: OpenNotebook, id: string, by: -1 | 1): void {
  moveCells(notebook, [id], by);
}

/** Move cells so that they stand before another; null: at the end. */
export function moveBefore(notebook: OpenNotebook, ids: readonly string[], before: string | null): void {
  const moved = new Set(ids);
  if (before !== null && moved.has(before)) return;
  const order = notebook.order.peek();
  let now = [...order];
  const steps: Step[] = [];
  for (const cellId of order.filter((id) => moved.has(id))) {
    now = now.filter((id) => id !== cellId);
    const position = before === null ? now.length : now.indexOf(before);
    now.splice(position, 0, cellId);
    steps.push({ do: "move", cellId, position });
  }
  if (now.some((id, at) => id !== order[at])) notebook.edit(`move ${plural(ids.length, "cell")}`, steps);
}

export function duplicateCells(notebook: OpenNotebook, ids: readonly string[]): void {
  insertCells(
    notebook,
    ids.map((id) => notebook.view(id).cell.peek()).filter((cell) => cell !== undefined).map(copyOf),
    notebook.order.peek().indexOf(ids.at(-1) ?? "") + 1,
    { words: "duplicate" },
  );
}

/** Put new cells somewhere, and choose them where they take the focus. */
export function insertCells(
  notebook: OpenNotebook,
  cells: readonly PastedCell[],
  position: number,
  { words = "paste", takesFocus = true } = {},
): void {
  if (!cells.length) return;
  const steps = cells.map((fields, at): Step => ({
    do: "create",
    cell: { ...fields, id: newId(), type: fields.type ?? "ComputationCell" },
    position: position + at,
  }));
  notebook.edit(`${words} ${plural(cells.length, "cell")}`, steps);
  const made = steps.map((step) => (step.do === "create" ? step.cell.id : ""));
  if (takesFocus) focusCell(made[0] ?? null);
  if (takesFocus && made.length > 1) chooseTo(made.at(-1) ?? "");
  announce(`${plural(cells.length, "cell")} added`);
}

export function changeType(notebook: OpenNotebook, ids: readonly string[], type: CellType): void {
  const steps = ids
    .filter((id) => notebook.view(id).cell.peek()?.type !== type)
    .map((cellId): Step => ({ do: "change", cellId, fields: { type }, version: notebook.versionOf(cellId) }));
  notebook.edit("change the type", steps);
}

export function toggleFlag(notebook: OpenNotebook, ids: readonly string[], flag: "pinned" | "skipped"): void {
  const isSet = ids.every((id) => notebook.view(id).cell.peek()?.[flag]);
  notebook.edit(
    isSet ? `no longer ${flag}` : flag,
    ids.map((cellId): Step => ({ do: "change", cellId, fields: { [flag]: !isSet }, version: notebook.versionOf(cellId) })),
  );
}

/** Make two cells of one: what stands behind an offset becomes a cell of its own. */
export function splitCell(notebook: OpenNotebook, id: string, offset: number): void {
  const cell = notebook.view(id).cell.peek();
  if (!cell) return;
  const rest: Step & { do: "create" } = {
    do: "create",
    cell: { ...fieldsOf(cell), content: cell.content.slice(offset).replace(/^\n/, ""), id: newId(), type: cell.type },
    position: notebook.order.peek().indexOf(id) + 1,
  };
  const head = cell.content.slice(0, offset).replace(/\n$/, "");
  notebook.edit("split", [{ do: "change", cellId: id, fields: { content: head }, version: notebook.versionOf(id) }, rest]);
  editCell(rest.cell.id, { cursor: 0 });
}

/** Make one cell of several; of one alone, with the one below. */
export function mergeCells(notebook: OpenNotebook, ids: readonly string[]): void {
  const order = notebook.order.peek();
  const below = order[order.indexOf(ids[0] ?? "") + 1];
  const all = ids.length > 1 || below === undefined ? ids : [...ids, below];
  const cells = all.map((id) => notebook.view(id).cell.peek()).filter((cell) => cell !== undefined);
  const [first, ...others] = cells;
  if (!first || !others.length) return;
  const content = cells.map((cell) => cell.content).join(first.type === "MarkdownCell" ? "\n\n" : "\n");
  notebook.edit(`merge ${plural(cells.length, "cell")}`, [
    { do: "change", cellId: first.id, fields: { content }, version: notebook.versionOf(first.id) },
    ...others.map(({ id }): Step => ({ do: "delete", cellId: id })),
  ]);
  focusCell(first.id);
}

/** Focus the cell before or after, or let the choice reach to it. */
export function focusNeighbour(notebook: OpenNotebook, id: string | null, step: -1 | 1, extends_ = false): void {
  const order = notebook.order.peek();
  const at = id === null ? (step > 0 ? -1 : order.length) : order.indexOf(id);
  const next = order[Math.max(0, Math.min(order.length - 1, at + step))] ?? null;
  if (extends_ && next !== null) chooseTo(next);
  else focusCell(next);
}

/** The cells that a command is for: the chosen ones, where this is one of them. */
export function cellsFor(id: string): readonly string[] {
  return anchor.peek() !== null && chosen.peek().includes(id) ? chosen.peek() : [id];
}

/** The keys by which a cell that is edited is run and left. */
export function keysOf(notebook: OpenNotebook, id: string): (event: KeyboardEvent) => boolean {
  return (event) => {
    if (event.isComposing) return false;
    if (event.key === "Escape") {
      stopEditing();
      // At once, and not with the next frame: the next key is the cell's, however fast it comes.
      (event.target as Element | null)?.closest<HTMLElement>("article")?.focus({ preventScroll: true });
      return true;
    }
    const meant = meaning(event);
    // A letter alone is text here, whatever it does elsewhere.
    if (!meant || (meant !== event && event.key.length === 1 && !(event.ctrlKey || event.metaKey || event.altKey))) return false;
    const withModifier = meant.ctrlKey || meant.metaKey;
    if (withModifier && meant.key.toLowerCase() === "i") {
      event.preventDefault();
      openInspector("request");
      return true;
    }
    if (meant.key !== "Enter" || !(withModifier || meant.shiftKey || meant.altKey)) return false;
    if (withModifier && meant.shiftKey) return false; // the plan: a key of the page
    event.preventDefault();
    runByKey(notebook, id, meant);
    return true;
  };
}

/** Ctrl runs; Shift runs and goes on to the next cell; Alt runs and makes a cell below. */
export function runByKey(notebook: OpenNotebook, id: string, event: Pressed): void {
  stopEditing();
  for (const each of cellsFor(id)) void runCell(notebook, each);
  const order = notebook.order.peek();
  const below = order.indexOf(id) + 1;
  if (event.altKey || (event.shiftKey && below === order.length)) {
    addCell(notebook, "ComputationCell", below);
  } else if (event.shiftKey) {
    focusCell(order[below] ?? id);
  }
}

/** The next cell whose tool asks to be allowed, or that failed; round from the end to the start. */
export function focusNextThatNeedsYou(notebook: OpenNotebook): void {
  if (perform("nextThatNeedsYou")) return;
  const { state } = notebook;
  const order = notebook.order.peek();
  const at = order.indexOf(focused.peek() ?? "");
  const needs = (id: string) =>
    (state?.activities.get(id)?.approvals.length ?? 0) > 0 ||
    state?.cells.get(id)?.status === "error" ||
    notebook.outbox.conflicts.peek().has(id);
  const next = [...order.slice(at + 1), ...order.slice(0, at + 1)].find(needs);
  if (next === undefined) announce("No cell needs you");
  else focusCell(next);
  if (editing.peek()) stopEditing();
}
