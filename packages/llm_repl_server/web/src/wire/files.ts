/** Files of the server's folder, and notebooks that live in them. */

import type { NotebookFile } from "./notebook-file.ts";
import { request } from "./rest.ts";
import type { NotebookHeader } from "./shapes.ts";

export interface FileEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly size_bytes: number | null;
  readonly modified_at: string;
}

const ofNotebook = (id: string) => `notebooks/${encodeURIComponent(id)}/file`;

export const filesApi = {
  list: (folder: string, signal: AbortSignal) =>
    request<{ entries: readonly FileEntry[]; truncated: boolean }>(
      "GET", `files?${new URLSearchParams({ folder })}`, { signal },
    ),
  /** The notebook that lives in a file: the same each time. */
  open: (path: string) =>
    request<NotebookHeader & { readonly notices: readonly string[] }>("POST", "notebooks/open", { body: { path } }),
  /** Write it now, whatever the file has become. */
  write: (id: string) => request<NotebookFile>("POST", `${ofNotebook(id)}/write`),
  release: (id: string) => request("DELETE", ofNotebook(id)),
};
