/** Several edits of cells as one, the bin, and copies of notebooks. */

import { request } from "./rest.ts";
import type { Cell, CellFields, NotebookHeader } from "./shapes.ts";

export type WireStep = CellFields & {
  readonly do: "create" | "change" | "move" | "delete" | "restore";
  readonly cell_id: string;
  readonly position?: number;
  readonly version?: string | null;
  /** Of a new cell: it as nbformat has it, with its outputs, in the place of its fields. */
  readonly nbformat?: Readonly<Record<string, unknown>>;
};

export interface BinnedCell {
  readonly id: string;
  readonly type: string;
  readonly excerpt: string;
  readonly deleted_at: string;
  readonly kept_until: string;
}

export interface BinnedNotebook {
  readonly id: string;
  readonly name: string;
  readonly cell_count: number;
  readonly deleted_at: string;
  readonly kept_until: string;
}

const notebook = (id: string) => `notebooks/${encodeURIComponent(id)}`;

/** What several edits have made. */
export interface EditedCells {
  readonly versions: Readonly<Record<string, string>>;
  /** Who knows the events up to this one knows the edits from them. */
  readonly epoch: string;
  readonly sequence: number;
}

export const cellSteps = {
  edit: (id: string, edits: readonly WireStep[]) =>
    request<EditedCells>("POST", `${notebook(id)}/edit`, { body: { edits } }),
};

export const bin = {
  cells: (id: string) =>
    request<{ cells: readonly BinnedCell[] }>("GET", `${notebook(id)}/bin`).then((answer) => answer.cells),
  restoreCell: (id: string, cellId: string) =>
    request<Cell>("POST", `${notebook(id)}/bin/${encodeURIComponent(cellId)}/restore`),
  forgetCell: (id: string, cellId: string) =>
    request("DELETE", `${notebook(id)}/bin/${encodeURIComponent(cellId)}`),
  notebooks: () =>
    request<{ notebooks: readonly BinnedNotebook[] }>("GET", "bin").then((answer) => answer.notebooks),
  restoreNotebook: (id: string) => request<NotebookHeader>("POST", `bin/${encodeURIComponent(id)}/restore`),
  forgetNotebook: (id: string) => request("DELETE", `bin/${encodeURIComponent(id)}`),
};

export const duplicateNotebook = (id: string, newId: string) =>
  request<NotebookHeader>("POST", `${notebook(id)}/duplicate`, { body: {}, headers: { "Idempotency-Key": newId } });
