/** Files of the server's folder, and notebooks that live in them. */

import { request } from "./rest.ts";
import type { NotebookHeader } from "./shapes.ts";

/** The file that a notebook lives in. */
export interface NotebookFile {
  /** Relative to the server's folder. */
  readonly path: string;
  readonly state: "saved" | "waiting" | "not_written" | "unreadable" | "missing";
  /** One sentence; null where all is well. */
  readonly error: string | null;
  readonly saved_at: string;
}

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
