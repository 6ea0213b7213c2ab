/** The file that a notebook lives in. */
export interface NotebookFile {
  /** Relative to the server's folder. */
  readonly path: string;
  readonly state: "saved" | "waiting" | "not_written" | "unreadable" | "missing";
  /** One sentence; null where all is well. */
  readonly error: string | null;
  readonly saved_at: string;
}
