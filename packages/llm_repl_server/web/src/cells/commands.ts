/** What keys and buttons do with a cell. */

import { editCell, focusCell, stopEditing } from "../store/focus.ts";
import { openInspector } from "../store/inspector.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { toast } from "../ui/toasts.tsx";
import type { CellType } from "../wire/shapes.ts";

export async function runCell(notebook: OpenNotebook, id: string): Promise<void> {
  if (notebook.view(id).cell.peek()?.type === "MarkdownCell") return;
  await notebook.runCell(id);
}

/** Make a cell and edit it. */
export function addCell(notebook: OpenNotebook, type: CellType, position: number): void {
  editCell(notebook.create(type, position));
}

export function deleteCell(notebook: OpenNotebook, id: string): void {
  const cell = notebook.view(id).cell.peek();
  const index = notebook.order.peek().indexOf(id);
  if (!cell || index < 0) return;
  const others = notebook.order.peek().filter((other) => other !== id);
  notebook.delete(id);
  focusCell(others[Math.min(index, others.length - 1)] ?? null);
  toast("The cell was deleted.", "Undo", () => {
    const { id: _id, outputs: _outputs, status: _status, execution_count: _count, stale: _stale,
      version: _version, type, ...fields } = cell;
    focusCell(notebook.create(type, index, withoutDerived(fields)));
  });
}

/** The fields that a request may hold. */
function withoutDerived(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "cell_id"));
}

export function moveCell(notebook: OpenNotebook, id: string, step: -1 | 1): void {
  const order = notebook.order.peek();
  const position = order.indexOf(id) + step;
  if (position >= 0 && position < order.length) notebook.move(id, position);
}

/** Focus the cell before or after. */
export function focusNeighbour(notebook: OpenNotebook, id: string | null, step: -1 | 1): void {
  const order = notebook.order.peek();
  const at = id === null ? (step > 0 ? -1 : order.length) : order.indexOf(id);
  focusCell(order[Math.max(0, Math.min(order.length - 1, at + step))] ?? null);
}

/** The keys by which a cell that is edited is run and left. */
export function keysOf(notebook: OpenNotebook, id: string): (event: KeyboardEvent) => boolean {
  return (event) => {
    if (event.key === "Escape") {
      stopEditing();
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "i") {
      event.preventDefault();
      openInspector("request");
      return true;
    }
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
      return false;
    }
    event.preventDefault();
    runByKey(notebook, id, event);
    return true;
  };
}

/** Ctrl runs; Shift runs and goes on to the next cell; Alt runs and makes a cell below. */
export function runByKey(notebook: OpenNotebook, id: string, event: KeyboardEvent): void {
  stopEditing();
  void runCell(notebook, id);
  const order = notebook.order.peek();
  const below = order.indexOf(id) + 1;
  if (event.altKey || (event.shiftKey && below === order.length)) {
    addCell(notebook, "ComputationCell", below);
  } else if (event.shiftKey) {
    focusCell(order[below] ?? id);
  }
}
