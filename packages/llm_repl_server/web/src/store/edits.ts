/** Edits that the server has not acknowledged: an ordered queue. Pure; `Outbox` sends it. */

import type { Cell, CellFields } from "../wire/shapes.ts";
import type { NotebookState } from "./state.ts";

export type Edit =
  | { readonly kind: "create"; readonly cell: CellFields & { readonly id: string }; readonly position: number }
  | {
      readonly kind: "change";
      readonly cellId: string;
      readonly fields: CellFields;
      /** The version that the edit was made on; null: whatever is there is replaced. */
      readonly version: string | null;
    }
  | { readonly kind: "move"; readonly cellId: string; readonly position: number }
  | { readonly kind: "delete"; readonly cellId: string }
  | { readonly kind: "notebook"; readonly name?: string; readonly metadata?: Record<string, unknown> };

export interface QueuedEdit {
  /** Rises from edit to edit; the order in which they are sent. */
  readonly number: number;
  readonly edit: Edit;
}

/**
 * The queue with one more edit. What is typed into one cell becomes one edit, where no other stands
 * between and it is not being sent.
 *
 * @param sending The number of the edit that is being sent; null: none.
 */
export function enqueued(
  queue: readonly QueuedEdit[],
  edit: Edit,
  sending: number | null,
): readonly QueuedEdit[] {
  const last = queue.at(-1);
  const number = (last?.number ?? 0) + 1;
  if (edit.kind === "change" && last && last.number !== sending) {
    const before = last.edit;
    if (before.kind === "change" && before.cellId === edit.cellId) {
      const merged: Edit = { ...before, fields: { ...before.fields, ...edit.fields } };
      return [...queue.slice(0, -1), { number: last.number, edit: merged }];
    }
    if (before.kind === "create" && before.cell.id === edit.cellId) {
      const merged: Edit = { ...before, cell: { ...before.cell, ...edit.fields } };
      return [...queue.slice(0, -1), { number: last.number, edit: merged }];
    }
  }
  return [...queue, { number, edit }];
}

/**
 * The queue after an edit of it was taken: what follows it in the same cell was made on what the
 * server has now, and not on what it had before.
 */
export function rebased(
  queue: readonly QueuedEdit[],
  taken: Edit,
  version: string,
): readonly QueuedEdit[] {
  if (taken.kind !== "change" && taken.kind !== "create") return queue;
  const cellId = taken.kind === "create" ? taken.cell.id : taken.cellId;
  const before = taken.kind === "create" ? null : taken.version;
  return queue.map((queued) => {
    const { edit } = queued;
    const follows = edit.kind === "change" && edit.cellId === cellId && edit.version === before;
    return follows ? { ...queued, edit: { ...edit, version } } : queued;
  });
}

/** The state as it will be when the edits are done: what the person sees. */
export function withEdits(state: NotebookState, queue: readonly QueuedEdit[]): NotebookState {
  return queue.reduce((so_far, { edit }) => withEdit(so_far, edit), state);
}

function withEdit(state: NotebookState, edit: Edit): NotebookState {
  switch (edit.kind) {
    case "create": {
      if (state.cells.has(edit.cell.id)) return state;
      const cells = new Map(state.cells).set(edit.cell.id, newCell(edit.cell));
      return { ...state, cells, order: inserted(state.order, edit.cell.id, edit.position) };
    }
    case "change": {
      const cell = state.cells.get(edit.cellId);
      if (!cell) return state;
      return { ...state, cells: new Map(state.cells).set(cell.id, { ...cell, ...edit.fields }) };
    }
    case "move": {
      if (!state.cells.has(edit.cellId)) return state;
      const others = state.order.filter((id) => id !== edit.cellId);
      return { ...state, order: inserted(others, edit.cellId, edit.position) };
    }
    case "delete": {
      const cells = new Map(state.cells);
      cells.delete(edit.cellId);
      return { ...state, cells, order: state.order.filter((id) => id !== edit.cellId) };
    }
    case "notebook":
      return {
        ...state,
        name: edit.name ?? state.name,
        metadata: edit.metadata ?? state.metadata,
      };
  }
}

function inserted(order: readonly string[], id: string, position: number): readonly string[] {
  return [...order.slice(0, position), id, ...order.slice(position)];
}

function newCell(fields: CellFields & { readonly id: string }): Cell {
  return {
    type: "ComputationCell",
    content: "",
    outputs: [],
    status: "idle",
    execution_count: null,
    stale: false,
    stale_reasons: [],
    pinned: false,
    skipped: false,
    metadata: {},
    version: "",
    ...fields,
  };
}

/** The cells that an edit in the queue is about. */
export function editedCells(queue: readonly QueuedEdit[]): ReadonlySet<string> {
  const ids = queue.map(({ edit }) =>
    edit.kind === "create" ? edit.cell.id : edit.kind === "notebook" ? null : edit.cellId,
  );
  return new Set(ids.filter((id) => id !== null));
}
