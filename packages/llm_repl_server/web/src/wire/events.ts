/** The events of a notebook that the page follows. All of them: docs/reference/events. */

import type { NotebookFile } from "./notebook-file.ts";
import type { ItemEnd } from "./items.ts";
import type { Mode } from "./mode.ts";
import type { Cell, Output } from "./shapes.ts";
import type { CallQueue, CellNeed } from "./queue.ts";
import type { StaleReasons } from "./stale.ts";

interface OfNotebook {
  readonly notebook_id: string;
  /** Another one when the numbers start over. */
  readonly epoch: string;
  /** One more from event to event of the notebook. */
  readonly sequence: number;
}

interface OfRun extends OfNotebook {
  readonly run_id: string;
}

interface OfRunningCell extends OfRun {
  readonly cell_id: string;
}

interface RunSize {
  readonly cell_ids: readonly string[];
  readonly total: number;
  readonly mode: Mode | null;
}

interface Stale extends OfNotebook {
  readonly sequence: number;
  readonly cell_ids: readonly string[];
  /** Of the first 200. */
  readonly reasons: StaleReasons;
}

/** Each event by its name. */
export interface Events {
  run_started: OfRun & RunSize;
  run_queued: OfRun & RunSize;
  cell_execution_waiting: OfRunningCell & { readonly needs: readonly CellNeed[] };
  cell_execution_removed: OfRunningCell & { readonly dependents: readonly string[] };
  cell_call_queued: OfRunningCell & CallQueue & { readonly item: number | null };
  cell_call_sent: OfRunningCell & { readonly item: number | null };
  cell_items_started: OfRunningCell & { readonly total: number; readonly excerpts: readonly string[] };
  cell_item_ended: OfRunningCell & ItemEnd & {
    readonly ended: number;
    readonly failed: number;
    readonly total: number;
  };
  run_progress: OfRun & { readonly ended: number; readonly total: number };
  run_ended: OfRun & {
    readonly state: "completed" | "failed" | "interrupted";
    readonly error: string | null;
    readonly cell_id: string | null;
    readonly not_run: readonly string[];
  };
  cell_execution_started: OfRunningCell;
  cell_execution_output: OfRunningCell & { readonly index: number; readonly output: Output };
  cell_output_updated: OfRunningCell & {
    readonly index: number;
    readonly output: Output;
    readonly lines: number | null;
  };
  cell_outputs_cleared: OfRunningCell;
  cell_execution_text: OfRunningCell & { readonly text: string; readonly item: number | null };
  cell_execution_reasoning: OfRunningCell & { readonly text: string; readonly item: number | null };
  cell_execution_retried: OfRunningCell & {
    readonly attempt: number;
    readonly error: string;
    readonly wait_s: number;
    /** How many are made at most; 0: not known. */
    readonly attempts: number;
    readonly item: number | null;
  };
  tool_approval_needed: OfRunningCell & {
    readonly call_id: string;
    readonly name: string;
    readonly arguments: string;
    readonly item: number | null;
  };
  candidate_text: OfRunningCell & { readonly candidate: number; readonly text: string; readonly item: number | null };
  candidate_retried: OfRunningCell & { readonly candidate: number; readonly error: string; readonly item: number | null };
  candidate_ended: OfRunningCell & {
    readonly candidate: number;
    readonly state: "completed" | "failed" | "interrupted";
    readonly error: string | null;
    readonly item: number | null;
  };
  cell_execution_completed: OfRunningCell & {
    readonly outputs: readonly Output[];
    readonly execution_count: number | null;
    readonly status: "completed";
  };
  cell_execution_failed: OfRunningCell & {
    readonly outputs: readonly Output[];
    readonly execution_count: number | null;
    readonly status: "error" | "interrupted";
    readonly error: string;
  };
  cell_call_superseded: OfRunningCell & { readonly above_ids: readonly string[] };
  notebook_execution_started: OfRun;
  notebook_execution_completed: OfRun;
  notebook_execution_failed: OfRun;
  cells_stale: Stale;
  stale_reasons_changed: Stale;
  kernel_restarted: OfNotebook;
  notebook_created: OfNotebook & { readonly name: string };
  notebook_changed: OfNotebook & {
    readonly name: string;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  notebook_deleted: OfNotebook;
  notebook_file_state: OfNotebook & { readonly file: NotebookFile | null };
  notebook_file_taken: OfNotebook & {
    readonly path: string;
    /** Whether the notebook had changes that the file had not. */
    readonly merged: boolean;
    readonly conflicts: readonly string[];
  };
  cell_created: OfNotebook & { readonly position: number; readonly cell: Cell };
  cell_changed: OfNotebook & { readonly cell: Cell };
  cell_moved: OfNotebook & { readonly cell_id: string; readonly position: number };
  cell_deleted: OfNotebook & { readonly cell_id: string };
  /** What was missed is not known any more: read the notebook again. */
  resync: OfNotebook;
  outputs_cleared: OfNotebook & { readonly cell_ids: readonly string[] };
}

export type EventName = keyof Events;

/** An event as a value: its name under `event`, and what it holds. */
export type WireEvent = { [Name in EventName]: { readonly event: Name } & Events[Name] }[EventName];

export const EVENT_NAMES: readonly EventName[] = [
  "run_queued", "run_started", "run_progress", "run_ended",
  "cell_execution_started", "cell_execution_output", "cell_output_updated", "cell_outputs_cleared",
  "cell_execution_text", "cell_execution_reasoning", "cell_execution_retried", "tool_approval_needed",
  "candidate_text", "candidate_retried", "candidate_ended",
  "cell_execution_completed", "cell_execution_failed", "cell_call_superseded",
  "cell_execution_waiting", "cell_execution_removed", "cell_call_queued", "cell_call_sent", "cell_items_started", "cell_item_ended",
  "notebook_execution_started", "notebook_execution_completed", "notebook_execution_failed",
  "cells_stale", "stale_reasons_changed", "kernel_restarted",
  "notebook_created", "notebook_changed", "notebook_deleted", "notebook_file_state", "notebook_file_taken",
  "cell_created", "cell_changed", "cell_moved", "cell_deleted", "outputs_cleared", "resync",
];
