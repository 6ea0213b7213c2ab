/** What to do with an edit of a cell that somebody else has changed meanwhile. Pure. */

import type { Cell, CellFields, CellType } from "../wire/shapes.ts";
import type { Edit } from "./edits.ts";

export type ChangeEdit = Edit & { readonly kind: "change" };

/** A cell that was changed here and elsewhere. */
export interface Conflict {
  readonly cellId: string;
  /** What was changed here. */
  readonly mine: CellFields;
  /** The same fields, as they were before both changed them. */
  readonly base: CellFields;
  /** The cell as the server has it; null: it was deleted there. */
  readonly theirs: Cell | null;
  /** When it was changed here, and when that was found, in milliseconds. */
  readonly changedAt: number;
  readonly foundAt: number;
  /** What was written of both; absent: nothing yet. */
  readonly together?: string;
  /** What the cell was, for one that was deleted. */
  readonly type: CellType;
  readonly position: number;
  /** What its sides are called where the cell has both texts; absent: they are this window and another. */
  readonly sides?: readonly [string, string];
}

export const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** The fields that both sides have changed, each to something else. */
export function fieldsInConflict({ mine, base, theirs }: Pick<Conflict, "mine" | "base" | "theirs">) {
  return (Object.keys(mine) as (keyof CellFields)[]).filter((name) => {
    const there = theirs?.[name];
    return !same(mine[name], there) && !(name in base && same(base[name], there));
  });
}

/** Whether an edit changes the same cell, and was made on the same of it: on what the other has made. */
export function isOn(edit: ChangeEdit, other: Edit): other is ChangeEdit {
  return other.kind === "change" && other.cellId === edit.cellId && other.version === edit.version;
}

/** The edit and those that were made on it, as one. */
export function gathered(edit: ChangeEdit, later: readonly Edit[]): ChangeEdit {
  return later.reduce<ChangeEdit>(
    (all, next) =>
      isOn(edit, next)
        ? { ...all, ...next, fields: { ...all.fields, ...next.fields }, base: { ...next.base, ...all.base } }
        : all,
    edit,
  );
}

/** The first of the cells that a merge has left with two texts: no run takes them; undefined: there is none. */
export function heldByMerge(conflicts: ReadonlyMap<string, Conflict>): Conflict | undefined {
  return [...conflicts.values()].find(({ sides }) => sides !== undefined);
}

/** The conflicts over cells that are there, and those over cells that were deleted, here or elsewhere. */
export function byPresence(conflicts: ReadonlyMap<string, Conflict>, order: readonly string[]) {
  const all = [...conflicts.values()];
  const isThere = ({ cellId, theirs }: Conflict) => theirs !== null && order.includes(cellId);
  return { there: all.filter(isThere), deleted: all.filter((one) => !isThere(one)) };
}
