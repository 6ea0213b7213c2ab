/** Which parts of a cell are folded. It is kept with the notebook, where Jupyter keeps it. */

import type { OpenNotebook } from "../store/notebook.ts";
import type { Cell } from "../wire/shapes.ts";

export type Part = "source" | "outputs";

const HIDDEN: Readonly<Record<Part, string>> = { source: "source_hidden", outputs: "outputs_hidden" };

export function isFolded(cell: Cell, part: Part): boolean {
  return (cell.metadata["jupyter"] as Record<string, unknown> | undefined)?.[HIDDEN[part]] === true;
}

export function toggleFold(notebook: OpenNotebook, ids: readonly string[], part: Part): void {
  const cells = ids.map((id) => notebook.view(id).cell.peek()).filter((cell) => cell !== undefined);
  const folds = cells.some((cell) => !isFolded(cell, part));
  for (const cell of cells) {
    const jupyter = { ...(cell.metadata["jupyter"] as object | undefined), [HIDDEN[part]]: folds };
    notebook.change(cell.id, { metadata: { ...cell.metadata, jupyter } });
  }
}
