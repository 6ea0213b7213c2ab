/** Why a cell is stale. */

export interface StaleReason {
  readonly kind:
    | "own_edit" | "variable" | "failed" | "deleted" | "moved" | "added" | "edited" | "run" | "notebook"
    | "stale";
  readonly cell_id: string | null;
  /** Where a cell stood that was deleted, from 1. */
  readonly cell_number: number | null;
  readonly variable: string | null;
  readonly field: string | null;
  /** The beginning of the value as the last run saw it. */
  readonly was: string | null;
  readonly now: string | null;
}

/** By cell. */
export type StaleReasons = Readonly<Record<string, readonly StaleReason[]>>;
