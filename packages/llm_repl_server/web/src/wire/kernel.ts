/** The kernel of a notebook, as the server tells of it. */

export interface NotebookKernel {
  /** none: the server has started none yet. ended: its variables are gone. */
  readonly state: "none" | "idle" | "busy" | "ended";
  /** In lower case. */
  readonly language: string | null;
  readonly version: string | null;
}
