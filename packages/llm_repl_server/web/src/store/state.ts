/** What the page knows of an open notebook. It changes by `reduce` alone, which is pure. */

import type { NotebookFile } from "../wire/notebook-file.ts";
import type { NotebookKernel } from "../wire/kernel.ts";
import type { ItemEnd, ItemsOfCell } from "../wire/items.ts";
import type { CallQueue, CellNeed } from "../wire/queue.ts";
import type { Mode } from "../wire/mode.ts";
import type { Cell, Notebook } from "../wire/shapes.ts";
import { Keyed } from "./keyed.ts";
import { moreWords, NO_TEXT, wholeText, withMore, type Pieces } from "./pieces.ts";

/** What is under way in a cell, and not part of it yet. */
export interface Activity {
  /** When it started, by this machine's clock, in milliseconds. */
  readonly since: number;
  /** Whether some of an answer has come. */
  readonly hasText: boolean;
  readonly retry: Retry | null;
  /** Of a prompt over items, how far it is; null: not known, or it has none. */
  readonly items: ItemsSoFar | null;
  /** By item: what its call waits for before it is sent. */
  readonly queued: ReadonlyMap<number, CallQueue>;
  /** When the last call that had waited was sent, by this machine's clock; else `since`. */
  readonly sentAt: number;
  readonly approvals: readonly Approval[];
}

/** What comes of a cell's answers: it changes with every word, and nothing else does. */
export interface Growing {
  /** The text so far, by the number of the item; a prompt without items has one, at 0. */
  readonly texts: Keyed<Pieces>;
  /** How many items there are: one more than the highest of them. */
  readonly length: number;
  /** How many words the texts have. */
  readonly words: number;
  /** What the model thinks before it answers, of all items together. */
  readonly reasoning: Pieces;
}

/** How far a prompt over items is. */
export interface ItemsSoFar {
  readonly total: number;
  readonly ended: number;
  readonly failed: number;
  /** What the first are asked, behind what all of them begin with. */
  readonly excerpts: readonly string[];
  /** How those ended that have, by their number. */
  readonly ends: Keyed<ItemEnd>;
  /** Those that are asked again, by their number. */
  readonly again: Keyed<true>;
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
  /** Where it takes answers from; null: not known. */
  readonly mode: Mode | null;
}

export interface NotebookState {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly order: readonly string[];
  readonly cells: Keyed<Cell>;
  readonly activities: Keyed<Activity>;
  readonly growing: Keyed<Growing>;
  readonly runs: readonly Run[];
  /** By cell that waits: the cells that have to end before it. */
  readonly waits: Keyed<readonly CellNeed[]>;
  readonly kernel: NotebookKernel;
  /** The file that it lives in; null: in none. */
  readonly file: NotebookFile | null;
  /** The cells that have run here: what the others show was in the file. */
  readonly ran: Keyed<true>;
  readonly epoch: string;
  /** Of the last event that is included. */
  readonly sequence: number;
  readonly deleted: boolean;
}

/** The state of a notebook that has just been read. */
export function stateOf(notebook: Notebook, before: NotebookState | null, now: number): NotebookState {
  let cells = Keyed.of(notebook.cells.map((cell) => [cell.id, cell] as const));
  let activities = Keyed.of<Activity>();
  let growing = Keyed.of<Growing>();
  for (const { cell_id, started_at } of notebook.running_cells) {
    if (!cells.has(cell_id)) continue;
    // By this machine's clock, which may not be the server's.
    const since = before?.activities.get(cell_id)?.since ?? Math.min(now, Date.parse(started_at));
    let grown = NOTHING_CAME;
    for (const part of notebook.partial_answers) {
      if (part.cell_id !== cell_id) continue;
      grown = withText(grown, part.item ?? 0, part.text);
      grown = { ...grown, reasoning: withMore(grown.reasoning, part.reasoning) };
    }
    growing = growing.with(cell_id, grown);
    activities = activities.with(cell_id, {
      ...newActivity(since),
      hasText: grown.words > 0,
      items: itemsSoFar(notebook.items_under_way.find((items) => items.cell_id === cell_id)),
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
    mode: run.mode,
  }));
  for (const id of notebook.runs.flatMap((run) => run.waiting_cell_ids)) {
    const cell = cells.get(id);
    if (cell && cell.status !== "running") cells = cells.with(id, { ...cell, status: "queued" });
  }
  return {
    id: notebook.id,
    name: notebook.name,
    metadata: notebook.metadata,
    order: notebook.cells.map((cell) => cell.id),
    cells,
    activities,
    growing,
    runs,
    waits: before?.waits ?? Keyed.of(),
    kernel: notebook.kernel,
    file: notebook.file,
    ran: Keyed.of(notebook.ran_cell_ids.map((id) => [id, true as const])),
    epoch: notebook.epoch,
    sequence: notebook.sequence,
    deleted: false,
  };
}

export function newActivity(since: number): Activity {
  return { since, sentAt: since, hasText: false, retry: null, items: null, approvals: [], queued: new Map() };
}

function itemsSoFar(items: ItemsOfCell | undefined): ItemsSoFar | null {
  if (!items) return null;
  const { total, ended, failed, excerpts } = items;
  return {
    total, ended, failed, excerpts, again: Keyed.of(),
    ends: Keyed.of(items.items.map((end) => [String(end.item), end] as const)),
  };
}

export const NOTHING_CAME: Growing = { texts: Keyed.of(), length: 0, words: 0, reasoning: NO_TEXT };

/** With more of the answer of an item. */
export function withText(growing: Growing, item: number, text: string): Growing {
  const before = growing.texts.get(String(item)) ?? NO_TEXT;
  return {
    ...growing,
    texts: growing.texts.with(String(item), withMore(before, text)),
    length: Math.max(growing.length, item + 1),
    words: growing.words + moreWords(before, text),
  };
}

/** Without the answer of an item: it begins again. */
export function withoutText(growing: Growing, item: number): Growing {
  const before = growing.texts.get(String(item)) ?? NO_TEXT;
  return {
    ...growing,
    texts: growing.texts.with(String(item), NO_TEXT),
    length: Math.max(growing.length, item + 1),
    words: growing.words - moreWords(NO_TEXT, wholeText(before)),
  };
}
