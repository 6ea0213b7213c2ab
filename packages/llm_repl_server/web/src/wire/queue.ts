/** What waits, and what for. */

export interface CellNeed {
  readonly cell_id: string;
  /** The variable that it sets; null: it goes along, or may change anything. */
  readonly variable: string | null;
}

export interface QueuedCell {
  readonly cell_id: string;
  readonly run_id: string;
  /** Among all that wait, from 1. */
  readonly place: number;
  readonly state: "queued" | "waiting";
  readonly needs: readonly CellNeed[];
}

export interface Queue {
  readonly cells: readonly QueuedCell[];
}

/** What a call waits for before it is sent. */
export interface CallQueue {
  readonly limit: "provider" | "run" | "budget";
  readonly provider: string;
  readonly place: number;
  readonly at_once: number | null;
  /** How long the provider is still left in peace, as it asked; null: that is not it. */
  readonly pause_s?: number | null;
}
