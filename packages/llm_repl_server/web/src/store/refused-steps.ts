/** What becomes of changes that were made on a notebook which others have changed meanwhile. Pure. */

import type { Cell, CellFields } from "../wire/shapes.ts";
import { same } from "./conflicts.ts";
import { cellOf, type Edit, type Step } from "./edits.ts";

type Refusable = Edit & { readonly kind: "steps" | "create" };

/**
 * The edit as it can be made on the cells as they are now. What is gone is passed over, a place that
 * is outside becomes the end, and a version counts only where a text would be overwritten.
 *
 * @returns Null: it would be the same again, or overwrite what somebody else has written.
 */
export function fitted(edit: Refusable, cells: readonly Cell[]): Edit | null {
  if (edit.kind === "create") {
    return edit.position > cells.length ? { ...edit, position: cells.length } : null;
  }
  const there = new Map(cells.map((cell) => [cell.id, cell] as const));
  const ids = new Set(there.keys());
  const steps: Step[] = [];
  for (const step of edit.steps) {
    const next = fittedStep(step, there.get(cellOf(step)), ids);
    if (next === null) return null;
    if (next === "passed over") continue;
    steps.push(next);
    if (next.do === "delete") ids.delete(next.cellId);
    else ids.add(cellOf(next));
  }
  return same(steps, edit.steps) ? null : { kind: "steps", steps };
}

function fittedStep(step: Step, cell: Cell | undefined, ids: ReadonlySet<string>): Step | "passed over" | null {
  const isThere = ids.has(cellOf(step));
  switch (step.do) {
    case "create":
    case "restore":
      return { ...step, position: Math.min(step.position, ids.size) };
    case "move":
      return isThere ? { ...step, position: Math.min(step.position, ids.size - 1) } : "passed over";
    case "delete":
      return isThere ? step : "passed over";
    case "change": {
      const hasText = step.fields.content !== undefined;
      if (!isThere) return hasText ? null : "passed over";
      if (!cell || step.version === null || step.version === cell.version) return step;
      return hasText && !holds(cell, step.fields) ? null : { ...step, version: cell.version };
    }
  }
}

/** Whether a cell has these fields already: the edit was made, and only its answer was lost. */
function holds(cell: Cell, fields: CellFields): boolean {
  return (Object.keys(fields) as (keyof CellFields)[]).every((name) => same(cell[name], fields[name]));
}
