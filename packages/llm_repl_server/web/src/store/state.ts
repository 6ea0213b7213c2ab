/** What the page knows of an open notebook. It changes by `reduce` alone, which is pure. */

import type { NotebookKernel } from "../wire/kernel.ts";
import type { CallQueue, CellNeed } from "../wire/queue.ts";
import type { Cell, Notebook } from "../wire/shapes.ts";

/** What is under way in a cell, and not part of it yet. */
export interface Activity {
  /** When it started, by this machine's clock, in milliseconds. */
  readonly since: number;
  /** The text of its answers so far, by item; a prompt without items has one, at 0. */
  readonly texts: readonly string[];
  /** What the model thinks before it answers, of all items together. */
  readonly reasoning: string;
  readonly retry: Retry | null;
  /** By item: what its call waits for before it is sent. */
  readonly queued: ReadonlyMap<number, CallQueue>;
  /** When the last call that had waited was sent, by this machine's clock; else `since`. */
  readonly sentAt: number;
  readonly approvals: readonly Approval[];
}

export interface Retry {
  readonly attempt: number;
  readonly error: string;
  /** When it is tried again, by this machine's clock. */
  readonly at: number;
  /** How many attempts are made at most; 0: not known. */
  readonly attempts: number;
}

export interface Approval {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
}

export interface Run {
  readonly id: string;
  /** Whether it has the kernel; else it waits for its turn. */
  readonly hasBegun: boolean;
  /** When it started, by this machine's clock, in milliseconds. */
  readonly since: number;
  readonly cellIds: readonly string[];
  readonly ended: number;
  readonly total: number;
}

export interface NotebookState {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly order: readonly string[];
  readonly cells: ReadonlyMap<string, Cell>;
  readonly activities: ReadonlyMap<string, Activity>;
  readonly runs: readonly Run[];
  /** By cell that waits: the cells that have to end before it. */
  readonly waits: ReadonlyMap<string, readonly CellNeed[]>;
  readonly kernel: NotebookKernel;
  /** The cells that have run here: what the others show was in the file. */
  readonly ran: ReadonlySet<string>;
  readonly epoch: string;
  /** Of the last event that is included. */
  readonly sequence: number;
  readonly deleted: boolean;
}

/** The state of a notebook that has just been read. */
export function stateOf(notebook: Notebook, before: NotebookState | null, now: number): NotebookState {
  const cells = new Map(notebook.cells.map((cell) => [cell.id, cell]));
  const activities = new Map<string, Activity>();
  for (const { cell_id, started_at } of notebook.running_cells) {
    if (!cells.has(cell_id)) continue;
    // By this machine's clock, which may not be the server's.
    const since = before?.activities.get(cell_id)?.since ?? Math.min(now, Date.parse(started_at));
    const parts = notebook.partial_answers.filter((part) => part.cell_id === cell_id);
    const texts: string[] = [];
    for (const part of parts) texts[part.item ?? 0] = part.text;
    activities.set(cell_id, {
      ...newActivity(since),
      texts: Array.from(texts, (text) => text ?? ""),
      reasoning: parts.map((part) => part.reasoning).join(""),
      approvals: notebook.pending_approvals
        .filter((asked) => asked.cell_id === cell_id)
        .map((asked) => ({ callId: asked.call_id, name: asked.name, arguments: asked.arguments })),
    });
  }
  const runs = notebook.runs.map((run) => ({
    id: run.run_id,
    hasBegun: run.state === "running",
    since: run.started_at ? Date.parse(run.started_at) : now,
    cellIds: run.cell_ids,
    ended: run.ended,
    total: run.total,
  }));
  for (const id of notebook.runs.flatMap((run) => run.waiting_cell_ids)) {
    const cell = cells.get(id);
    if (cell && cell.status !== "running") cells.set(id, { ...cell, status: "queued" });
  }
  return {
    id: notebook.id,
    name: notebook.name,
    metadata: notebook.metadata,
    order: notebook.cells.map((cell) => cell.id),
    cells,
    activities,
    runs,
    waits: before?.waits ?? new Map(),
    kernel: notebook.kernel,
    ran: new Set(notebook.ran_cell_ids),
    epoch: notebook.epoch,
    sequence: notebook.sequence,
    deleted: false,
  };
}

export function newActivity(since: number): Activity {
  return { since, sentAt: since, texts: [], reasoning: "", retry: null, approvals: [], queued: new Map() };
}

/** The state with the versions that the server gave of cells. */
export function withVersions(state: NotebookState, versions: Readonly<Record<string, string>>): NotebookState {
  const cells = new Map(state.cells);
  for (const [id, version] of Object.entries(versions)) {
    const cell = cells.get(id);
    if (cell) cells.set(id, { ...cell, version });
  }
  return { ...state, cells };
}
