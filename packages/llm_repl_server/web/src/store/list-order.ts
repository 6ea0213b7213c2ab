/** In which order notebooks are listed, and where the words stand that were found. */

import type { Overview, Snippet } from "../wire/search.ts";
import type { NotebookSummary } from "../wire/shapes.ts";

export type SortKey = "name" | "spent" | "edited";

export interface Order {
  readonly by: SortKey;
  readonly isDown: boolean;
}

export function sortNotebooks(
  all: readonly NotebookSummary[],
  overviews: ReadonlyMap<string, Overview>,
  { by, isDown }: Order,
): readonly NotebookSummary[] {
  const spent = ({ id }: NotebookSummary) => overviews.get(id)?.spent_usd ?? 0;
  const compare: Record<SortKey, (a: NotebookSummary, b: NotebookSummary) => number> = {
    name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
    spent: (a, b) => spent(a) - spent(b),
    edited: (a, b) => a.updated_at.localeCompare(b.updated_at),
  };
  const sign = isDown ? -1 : 1;
  return [...all].sort((a, b) => sign * compare[by](a, b) || a.id.localeCompare(b.id));
}

/** The order after a click on a column: the same again turns it; names begin with A, the others with the most. */
export function orderBy(by: SortKey, before: Order): Order {
  return before.by === by ? { by, isDown: !before.isDown } : { by, isDown: by !== "name" };
}

/** A snippet in pieces: each with whether it is one of the words. */
export function pieces({ text, marks }: Snippet): readonly (readonly [string, boolean])[] {
  const characters = [...text];
  const cut = (start: number, end: number) => characters.slice(start, end).join("");
  const made: (readonly [string, boolean])[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    if (start > at) made.push([cut(at, start), false]);
    made.push([cut(start, end), true]);
    at = end;
  }
  if (at < characters.length) made.push([cut(at, characters.length), false]);
  return made;
}
