/** Leads from a place that a traceback names to the line in its cell. */

import { useNotebook } from "../store/context.ts";
import { editCell } from "../store/focus.ts";
import type { Output } from "../wire/shapes.ts";
import { cellAt } from "./place-cell.ts";
import type { Place } from "./traceback.ts";

/** Gives what a click on a place does; null: the cell is gone, or has no such line. */
export function useShowLine(output: Output, first: Place | undefined): (place: Place) => (() => void) | null {
  const notebook = useNotebook();
  return (place) => {
    const state = notebook.state;
    const cell = state && first && cellAt(state, output, first, place);
    if (!cell) return null;
    const lines = cell.content.split("\n");
    const text = lines[place.line - 1];
    if (text === undefined) return null;
    const start = lines.slice(0, place.line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    return () => editCell(cell.id, { cursor: start + text.length - text.trimStart().length });
  };
}
