/** What waits of a notebook: in which place, and what for. Pure. */

import type { CellNeed, Queue } from "../wire/queue.ts";
import { Keyed } from "./keyed.ts";
import type { NotebookState } from "./state.ts";

/** By cell: its place among all that wait, from 1. */
export function places(state: NotebookState): Keyed<number> {
  const found = new Map<string, number>();
  for (const run of state.runs) {
    for (const id of run.cellIds) {
      if (state.cells.get(id)?.status === "queued" && !found.has(id)) found.set(id, found.size + 1);
    }
  }
  return Keyed.of(found);
}

/** By cell that waits: what it waits for and has not ended. What stays is the same as before. */
export function needs(state: NotebookState, before: Keyed<readonly CellNeed[]>): Keyed<readonly CellNeed[]> {
  const found: [string, readonly CellNeed[]][] = [];
  for (const [id, all] of state.waits.entries()) {
    const left = unfinished(state, all);
    const was = before.get(id);
    if (left.length) found.push([id, was && was.length === left.length && was.every((need, at) => need === left[at]) ? was : left]);
  }
  return Keyed.of(found);
}

/** What a cell waits for and has not ended yet. */
function unfinished(state: NotebookState, needs: readonly CellNeed[]): readonly CellNeed[] {
  return needs.filter(({ cell_id }) => {
    const status = state.cells.get(cell_id)?.status;
    return status === "running" || status === "queued";
  });
}

/** The state with what the server says of what waits. */
export function withQueue(state: NotebookState, queue: Queue): NotebookState {
  let { waits } = state;
  for (const cell of queue.cells) waits = waits.with(cell.cell_id, cell.needs);
  return { ...state, waits };
}
