/** What a cell gave before its text was edited: the server drops it with the edit, and a reader still reads it. Pure. */

import type { Cell, Output } from "../wire/shapes.ts";

/**
 * What to show of a cell beside what it holds.
 *
 * @param before The cell as it was shown, and what was shown beside it.
 * @param now The cell; undefined: it is gone.
 */
export function earlierOutputs(
  before: Cell | undefined,
  shown: readonly Output[] | undefined,
  now: Cell | undefined,
): readonly Output[] | undefined {
  if (!now || now.outputs.length || now.status === "running") return undefined;
  if (!now.stale_reasons.some(({ kind }) => kind === "own_edit")) return undefined;
  // Errors were about the text of before.
  const kept = before?.outputs.filter((output) => output.type !== "error") ?? [];
  return kept.length ? kept : shown;
}

/** The cell with what it gave before, where it holds nothing else. */
export function withEarlier(cell: Cell, earlier: readonly Output[] | undefined): Cell {
  return earlier && !cell.outputs.length ? { ...cell, outputs: earlier } : cell;
}
