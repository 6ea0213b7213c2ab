/** Cells that a merge has left with two texts: what they say of themselves as a conflict to be decided. Pure. */

import type { Cell } from "../wire/shapes.ts";
import type { Conflict } from "./conflicts.ts";
import type { NotebookState } from "./state.ts";

const NONE: ReadonlyMap<string, Conflict> = new Map();

/** The cell as a conflict; null: it has one text. */
export function bothTexts(cell: Cell, position: number): Conflict | null {
  const own = cell.metadata["llm_repl"] as { readonly merge_conflict?: unknown } | undefined;
  const note = own?.merge_conflict as Readonly<Record<string, unknown>> | undefined;
  if (!note || note["content"] !== cell.content) return null; // somebody has chosen since
  const text = (name: string) => (typeof note[name] === "string" ? note[name] : "");
  return {
    cellId: cell.id,
    mine: { content: text("ours") },
    base: { content: text("base") },
    theirs: { ...cell, content: text("theirs") },
    changedAt: 0,
    foundAt: 0,
    type: cell.type,
    position,
    sides: [side(cell.content, /^<{7} (.+)$/m, "This one"), side(cell.content, /^>{7} (.+)$/m, "The other")],
  };
}

/** All of them; the same map as before, where nothing of them has changed. */
export function allBothTexts(
  state: Pick<NotebookState, "cells" | "order"> | null,
  before: ReadonlyMap<string, Conflict>,
): ReadonlyMap<string, Conflict> {
  const found = new Map<string, Conflict>();
  for (const [at, id] of (state?.order ?? []).entries()) {
    const cell = state?.cells.get(id);
    const conflict = cell && bothTexts(cell, at);
    if (conflict) found.set(id, conflict);
  }
  if (!found.size) return NONE;
  const isSame = found.size === before.size && [...found].every(([id, one]) => sameTexts(one, before.get(id)));
  return isSame ? before : found;
}

function side(content: string, mark: RegExp, otherwise: string): string {
  const [, name = otherwise] = mark.exec(content) ?? [];
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const sameTexts = (one: Conflict, other: Conflict | undefined) =>
  one.mine.content === other?.mine.content && one.theirs?.content === other?.theirs?.content && one.theirs?.version === other?.theirs?.version;
