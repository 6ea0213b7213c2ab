/** Leads from a place that a traceback names to the line in its cell. */

import { useNotebook } from "../store/context.ts";
import { editCell } from "../store/focus.ts";
import type { Place } from "./traceback.ts";

/** Gives what a click on a place does; null: no cell that is there ran then, or it has changed. */
export function useShowLine(): (place: Place) => (() => void) | null {
  const notebook = useNotebook();
  return ({ execution, line }) => {
    const cells = notebook.state?.cells;
    if (!cells) return null;
    for (const cell of cells.values()) {
      if (cell.execution_count !== execution) continue;
      const lines = cell.content.split("\n");
      const text = lines[line - 1];
      if (text === undefined) return null;
      const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
      return () => editCell(cell.id, start + text.length - text.trimStart().length);
    }
    return null;
  };
}
