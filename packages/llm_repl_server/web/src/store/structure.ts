/** Undo and redo of what is done to cells as a whole: moved, deleted, split, pasted. Pure. */

import type { Cell, CellFields } from "../wire/shapes.ts";
import { cellOf, unseen, withStep, type Step } from "./edits.ts";
import type { NotebookState } from "./state.ts";

const KEPT = 200;

/** Something that was done, with what undoes it. */
export interface Deed {
  /** "delete 3 cells", for the notice. */
  readonly words: string;
  readonly undo: readonly Step[];
  readonly redo: readonly Step[];
}

export interface History {
  readonly done: readonly Deed[];
  readonly undone: readonly Deed[];
}

export const NO_HISTORY: History = { done: [], undone: [] };

/** The steps that lead back to a state from where other steps lead. */
export function inverse(state: NotebookState, steps: readonly Step[]): readonly Step[] {
  const back: Step[] = [];
  let now = state;
  for (const step of steps) {
    const undone = inverseOfOne(now, step);
    if (undone) back.unshift(undone);
    now = withStep(now, step);
  }
  return back;
}

function inverseOfOne(state: NotebookState, step: Step): Step | null {
  const id = cellOf(step);
  const cell = state.cells.get(id);
  const position = state.order.indexOf(id);
  switch (step.do) {
    case "create":
    case "restore":
      return cell ? null : { do: "delete", cellId: id };
    case "delete":
      // A new one may have got a version by the time it comes back.
      return cell ? { do: "restore", cell: cell.version ? cell : { ...cell, version: unseen() }, position } : null;
    case "move":
      return cell ? { do: "move", cellId: id, position } : null;
    case "change": {
      if (!cell) return null;
      const fields = Object.fromEntries(
        Object.keys(step.fields).map((name) => [name, (cell as unknown as Record<string, unknown>)[name] ?? null]),
      );
      // A cell that gets another type loses what only the old one has; its text stays.
      const { content: _, ...whole } = step.fields.type && step.fields.type !== cell.type ? fieldsOf(cell) : {};
      return { do: "change", cellId: id, fields: { ...whole, ...fields }, version: null };
    }
  }
}

const FIELDS = [
  "type", "content", "pinned", "skipped", "metadata", "model", "provider", "temperature", "response_var",
  "system", "context", "schema", "tools", "for_each", "attachments", "parameters",
] as const;

/** What a request may say of a cell: all but what running it gave. */
export function fieldsOf(cell: Cell): CellFields {
  return Object.fromEntries(
    FIELDS.filter((name) => cell[name] !== undefined && cell[name] !== null).map((name) => [name, cell[name]]),
  );
}

export function withDeed(history: History, deed: Deed): History {
  return { done: [...history.done, deed].slice(-KEPT), undone: [] };
}

/**
 * Steps without the texts that they would put in the place of one that was typed on since; and then
 * without what they would delete, whose text may stand in those.
 *
 * @param made What was done, that these steps undo.
 */
export function keepingTyped(state: NotebookState, steps: readonly Step[], made: readonly Step[]): readonly Step[] {
  const texts = new Map(made.flatMap((step) => (step.do === "change" ? [[step.cellId, step.fields.content] as const] : [])));
  const isTypedOn = (step: Step) => {
    if (step.do !== "change" || step.fields.content === undefined) return false;
    return texts.get(step.cellId) !== state.cells.get(step.cellId)?.content;
  };
  if (!steps.some(isTypedOn)) return steps;
  return steps.flatMap((step): readonly Step[] => {
    if (step.do === "delete") return [];
    if (step.do !== "change" || !isTypedOn(step)) return [step];
    const { content: _, ...fields } = step.fields;
    return Object.keys(fields).length ? [{ ...step, fields }] : [];
  });
}

/** The steps of a deed that still can be done: others may have deleted cells, or moved them. */
export function feasible(state: NotebookState, steps: readonly Step[]): readonly Step[] {
  const found: Step[] = [];
  let now = state;
  for (const step of steps) {
    const isThere = now.cells.has(cellOf(step));
    const isNew = step.do === "create" || step.do === "restore";
    if (isThere === isNew) continue;
    const most = now.order.length - (isNew ? 0 : 1);
    const fitting = "position" in step ? { ...step, position: Math.min(step.position, most) } : step;
    found.push(fitting);
    now = withStep(now, fitting);
  }
  return found;
}

/** A deed that was made here and is to be done again: what it made is in the bin, and comes from there. */
export function redoable(state: NotebookState, deed: Deed, undone: readonly Step[]): readonly Step[] {
  const before = new Map<string, Step & { do: "restore" }>();
  for (const step of inverse(state, undone)) if (step.do === "restore") before.set(step.cell.id, step);
  return deed.redo.map((step) => {
    const kept = before.get(cellOf(step));
    return step.do === "create" && kept ? { ...kept, position: step.position } : step;
  });
}
