/** What waits of a notebook: in which place, and what for. Pure. */

import type { CellNeed, Queue } from "../wire/queue.ts";
import type { NotebookState } from "./state.ts";

/** By cell: its place among all that wait, from 1. */
export function places(state: NotebookState): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const run of state.runs) {
    for (const id of run.cellIds) {
      if (state.cells.get(id)?.status === "queued" && !found.has(id)) found.set(id, found.size + 1);
    }
  }
  return found;
}

/** What a cell waits for and has not ended yet. */
export function unfinished(state: NotebookState, needs: readonly CellNeed[]): readonly CellNeed[] {
  return needs.filter(({ cell_id }) => {
    const status = state.cells.get(cell_id)?.status;
    return status === "running" || status === "queued";
  });
}

/** The state with what the server says of what waits. */
export function withQueue(state: NotebookState, queue: Queue): NotebookState {
  const waits = new Map(state.waits);
  for (const cell of queue.cells) waits.set(cell.cell_id, cell.needs);
  return { ...state, waits };
}
