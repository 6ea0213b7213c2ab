/** What is under way in a notebook that is read. */

import type { Mode } from "./mode.ts";

/** A run that is running, or that waits for its turn. */
export interface RunUnderWay {
  readonly run_id: string;
  readonly state: "queued" | "running";
  readonly cell_ids: readonly string[];
  /** Those of them that have not begun. */
  readonly waiting_cell_ids: readonly string[];
  readonly started_at: string | null;
  readonly ended: number;
  readonly total: number;
  readonly mode: Mode;
}

export interface RunningCell {
  readonly cell_id: string;
  readonly run_id: string;
  readonly started_at: string;
}

/** A tool call that waits for a yes or a no. */
export interface PendingApproval {
  readonly call_id: string;
  readonly cell_id: string;
  readonly name: string;
  readonly arguments: string;
  readonly item: number | null;
}
