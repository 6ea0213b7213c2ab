/** Finds the cell that a traceback names by a number. */

import type { NotebookState } from "../store/state.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import type { Place } from "./traceback.ts";

/**
 * The cell of a place; null: it is not there.
 *
 * A traceback begins in its own cell, so that its first number tells what it counts: places in the
 * notebook, or executions, as in a file that Jupyter has written.
 */
export function cellAt(state: Pick<NotebookState, "order" | "cells">, output: Output, first: Place, place: Place): Cell | null {
  const ids = state.order;
  const own = ids.findIndex((id) => state.cells.get(id)?.outputs.includes(output));
  const countsExecutions = first.number !== own + 1 && state.cells.get(ids[own] ?? "")?.execution_count === first.number;
  const id = countsExecutions
    ? ids.find((one) => state.cells.get(one)?.execution_count === place.number)
    : ids[place.number - 1];
  return (id && state.cells.get(id)) || null;
}
