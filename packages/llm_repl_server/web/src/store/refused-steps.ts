/** What becomes of changes that were made on a notebook which others have changed meanwhile. Pure. */

import type { Cell, CellFields } from "../wire/shapes.ts";
import { same } from "./conflicts.ts";
import { cellOf, isBlind, unseen, type Edit, type Step } from "./edits.ts";

type Refusable = Edit & { readonly kind: "steps" | "create" };

/**
 * The edit as it can be made on the cells as they are now. What is gone is passed over, a place that
 * is outside becomes the end, and a version counts only where a text would be overwritten: that is
 * left out, and with it what would be deleted, as its text may have gone there.
 *
 * @returns Null: it would be the same again, or nothing.
 */
export function fitted(edit: Refusable, cells: readonly Cell[]): Edit | null {
  if (edit.kind === "create") {
    return edit.position > cells.length ? { ...edit, position: cells.length } : null;
  }
  const there = new Map(cells.map((cell) => [cell.id, cell] as const));
  const writes = edit.steps.filter((step) => !overwrites(step, there.get(cellOf(step))));
  const isWhole = writes.length === edit.steps.length;
  const ids = new Set(there.keys());
  const steps: Step[] = [];
  for (const step of writes) {
    if (step.do === "delete" && !isWhole) continue;
    const next = fittedStep(step, there.get(cellOf(step)), ids);
    if (next === null) continue;
    steps.push(next);
    if (next.do === "delete") ids.delete(next.cellId);
    else ids.add(cellOf(next));
  }
  if (!same(steps, edit.steps)) return steps.length ? { kind: "steps", steps } : null;
  // What a cell gave elsewhere may be nothing that an output can be: the cell itself can come.
  const plain = steps.map(withoutOutputs);
  return same(plain, steps) ? null : { kind: "steps", steps: plain };
}

function withoutOutputs(step: Step): Step {
  if (step.do !== "create") return step;
  const { nbformat: _, ...cell } = step.cell;
  return { ...step, cell };
}

/** Whether a step puts its text where nobody has seen what is there, or where there is no cell any more. */
export function overwrites(step: Step, cell: Cell | undefined): boolean {
  if (step.do !== "change" || step.fields.content === undefined) return false;
  if (!cell) return true;
  return step.version !== null && step.version !== cell.version && !holds(cell, step.fields);
}

function fittedStep(step: Step, cell: Cell | undefined, ids: ReadonlySet<string>): Step | null {
  const isThere = ids.has(cellOf(step));
  switch (step.do) {
    case "create":
    case "restore":
      return { ...step, position: Math.min(step.position, ids.size) };
    case "move":
      return isThere ? { ...step, position: Math.min(step.position, ids.size - 1) } : null;
    case "delete":
      return isThere ? step : null;
    case "change":
      if (!isThere) return null;
      if (!cell || step.version === null || step.version === cell.version || isBlind(step)) return step;
      // What others have made of it is not seen here: the next edit must not be made on that.
      return { ...step, version: step.fields.content === undefined ? unseen() : cell.version };
  }
}

/** Whether a cell has these fields already: the edit was made, and only its answer was lost. */
export function holds(cell: Partial<Cell>, fields: CellFields): boolean {
  return (Object.keys(fields) as (keyof CellFields)[]).every((name) => same(cell[name], fields[name]));
}
