/** Edits that the server has not acknowledged: an ordered queue. Pure; `Outbox` sends it. */

import type { Cell, CellFields, CellType } from "../wire/shapes.ts";
import { newId } from "./ids.ts";
import type { NotebookState } from "./state.ts";

/** One of several changes of cells that are made as one. */
export type Step =
  | { readonly do: "create"; readonly cell: NewCell; readonly position: number }
  | { readonly do: "change"; readonly cellId: string; readonly fields: CellFields; readonly version: string | null }
  | { readonly do: "move"; readonly cellId: string; readonly position: number }
  | { readonly do: "delete"; readonly cellId: string }
  /** Out of the bin; the cell as it was is shown until the server tells it. */
  | { readonly do: "restore"; readonly cell: Cell; readonly position: number };

export type NewCell = CellFields & {
  readonly id: string;
  readonly type: CellType;
  /** What it has got, as soon as it is made. */
  readonly version?: string;
  /** The cell as nbformat has it, where it comes from elsewhere with what it gave; the server knows it all. */
  readonly nbformat?: Readonly<Record<string, unknown>>;
};

export type Edit =
  | { readonly kind: "steps"; readonly steps: readonly Step[] }
  | { readonly kind: "create"; readonly cell: NewCell; readonly position: number }
  | {
      readonly kind: "change";
      readonly cellId: string;
      readonly fields: CellFields;
      /** The version that the edit was made on; null: whatever is there is replaced. */
      readonly version: string | null;
      /** The same fields as the server had them then. */
      readonly base?: CellFields;
      /** What the cell was, and where, should somebody delete it meanwhile. */
      readonly place?: { readonly type: CellType; readonly position: number };
      /** When it was made, in milliseconds. */
      readonly at?: number;
    }
  | { readonly kind: "notebook"; readonly name?: string; readonly metadata?: Record<string, unknown> };

export interface QueuedEdit {
  /** Rises from edit to edit; the order in which they are sent. */
  readonly number: number;
  readonly edit: Edit;
  /** It was sent and not answered, or another window may have sent it: the server may have made it. */
  readonly wasSent?: true;
}

/**
 * The queue with one more edit. What is typed into one cell becomes one edit, where no other stands
 * between and it is not being sent.
 *
 * @param sending The number of the edit that is being sent; null: none.
 */
export function enqueued(
  queue: readonly QueuedEdit[],
  edit: Edit,
  sending: number | null,
): readonly QueuedEdit[] {
  const last = queue.at(-1);
  const number = (last?.number ?? 0) + 1;
  if (edit.kind === "change" && last && last.number !== sending && !last.wasSent) {
    const before = last.edit;
    if (before.kind === "change" && before.cellId === edit.cellId && before.version === edit.version) {
      const fields = { ...before.fields, ...edit.fields };
      const base = { ...edit.base, ...before.base };
      const merged: Edit = { ...before, fields, ...(edit.base && { base }), ...(edit.at && { at: edit.at }) };
      return [...queue.slice(0, -1), { number: last.number, edit: merged }];
    }
    if (before.kind === "create" && before.cell.id === edit.cellId) {
      const merged: Edit = { ...before, cell: { ...before.cell, ...edit.fields } };
      return [...queue.slice(0, -1), { number: last.number, edit: merged }];
    }
  }
  return [...queue, { number, edit }];
}

const UNSEEN = "unseen-";

/** A version that no cell has: an edit that is made on it is refused, and both texts are looked at. */
export const unseen = (): string => `${UNSEEN}${newId()}`;

/** Whether a step changes a cell whatever it holds, which is not seen here. */
export const isBlind = (step: Step): boolean =>
  step.do === "change" && step.fields.content === undefined && step.version?.startsWith(UNSEEN) === true;

/**
 * The queue with the edits that a window has left which is closed. What both windows have changed is
 * not made on each other.
 */
export function withLeft(queue: readonly QueuedEdit[], left: readonly QueuedEdit[]): readonly QueuedEdit[] {
  const own = editedCells(queue);
  const version = unseen();
  const apart = (step: Step): Step => {
    if (!own.has(cellOf(step))) return step;
    if (step.do === "restore") return { ...step, cell: { ...step.cell, version } };
    return step.do === "change" ? { ...step, version } : step;
  };
  const first = (queue.at(-1)?.number ?? 0) + 1;
  const taken = left.map(({ edit }, at): QueuedEdit => {
    const made = edit.kind === "steps" ? { ...edit, steps: edit.steps.map(apart) }
      : edit.kind === "change" && own.has(edit.cellId) ? { ...edit, version }
        : edit;
    return { number: first + at, edit: made, wasSent: true };
  });
  return [...queue, ...taken];
}

/**
 * The queue after an edit of it was taken: what follows it in the same cell was made on what the
 * server has now, and not on what it had before.
 */
export function rebased(
  queue: readonly QueuedEdit[],
  taken: Edit,
  version: string,
): readonly QueuedEdit[] {
  if (taken.kind !== "change" && taken.kind !== "create") return queue;
  const cellId = taken.kind === "create" ? taken.cell.id : taken.cellId;
  const before = taken.kind === "create" ? null : taken.version;
  const follows = (later: { readonly cellId: string; readonly version: string | null }) =>
    later.cellId === cellId && later.version === before;
  return queue.map((queued) => {
    const { edit } = queued;
    if (edit.kind === "steps" && edit.steps.some((step) => step.do === "change" && follows(step))) {
      const steps = edit.steps.map((step) => (step.do === "change" && follows(step) ? { ...step, version } : step));
      return { ...queued, edit: { ...edit, steps } };
    }
    if (edit.kind !== "change" || !follows(edit)) return queued;
    const made = taken.kind === "change" ? taken.fields : taken.cell;
    return { ...queued, edit: { ...edit, version, base: { ...edit.base, ...made } } };
  });
}

/** The queue after several changes were taken as one: see `rebased`. */
export function rebasedOnSteps(
  queue: readonly QueuedEdit[],
  steps: readonly Step[],
  versions: Readonly<Record<string, string>>,
): readonly QueuedEdit[] {
  return steps.reduce((so_far, step) => {
    const version = versions[cellOf(step)];
    if (version === undefined) return so_far;
    if (step.do === "change") return rebased(so_far, { kind: "change", ...step }, version);
    if (step.do === "create") return rebased(so_far, { kind: "create", cell: step.cell, position: 0 }, version);
    return so_far;
  }, queue);
}

/** The queue behind several changes that are made without some texts, or not at all: it may have been made on those. */
export function apartFrom(queue: readonly QueuedEdit[], steps: readonly Step[], made: Edit | null): readonly QueuedEdit[] {
  const left = made?.kind === "steps" ? made.steps : [];
  const isMade = (text: Step) => left.some((step) => step.do === "change" && step.fields.content !== undefined && step.cellId === cellOf(text));
  return steps.reduce(
    (so_far, step) =>
      step.do === "change" && step.fields.content !== undefined && !isMade(step)
        ? rebased(so_far, { ...step, kind: "change", fields: {} }, unseen())
        : so_far,
    queue,
  );
}

/**
 * The versions that several changes have given to cells, as far as their texts are known: one that came
 * back may have been changed before, and one that was to be made may have been made and changed since.
 *
 * @param versions As the server has answered.
 */
export function knownVersions(
  steps: readonly Step[],
  versions: Readonly<Record<string, string>>,
  wasSent: boolean,
): Readonly<Record<string, string>> {
  const known = steps.flatMap((step): [string, string][] => {
    const version = versions[cellOf(step)];
    if (version === undefined || (step.do !== "create" && step.do !== "change")) return [];
    return [[cellOf(step), isBlind(step) || (step.do === "create" && wasSent) ? unseen() : version]];
  });
  return Object.fromEntries(known);
}

/** An edit of cells as its steps; null: it is one of the notebook itself. */
export function stepsOf(edit: Edit): readonly Step[] | null {
  switch (edit.kind) {
    case "steps":
      return edit.steps;
    case "create":
      return [{ do: "create", cell: edit.cell, position: edit.position }];
    case "change":
      return [{ do: "change", cellId: edit.cellId, fields: edit.fields, version: edit.version }];
    case "notebook":
      return null;
  }
}

/** The state as it will be when the edits are done: what the person sees. */
export function withEdits(state: NotebookState, queue: readonly QueuedEdit[]): NotebookState {
  return queue.reduce((so_far, { edit }) => withEdit(so_far, edit), state);
}

function withEdit(state: NotebookState, edit: Edit): NotebookState {
  switch (edit.kind) {
    case "create": {
      if (state.cells.has(edit.cell.id)) return state;
      const cells = state.cells.with(edit.cell.id, newCell(edit.cell));
      return { ...state, cells, order: inserted(state.order, edit.cell.id, edit.position) };
    }
    case "change": {
      const cell = state.cells.get(edit.cellId);
      if (!cell) return state;
      return { ...state, cells: state.cells.with(cell.id, changedCell(cell, edit)) };
    }
    case "steps":
      return withSteps(state, edit.steps);
    case "notebook":
      return {
        ...state,
        name: edit.name ?? state.name,
        metadata: edit.metadata ?? state.metadata,
      };
  }
}

/** The state after changes of cells, one after the other; cells that are not there are passed over. */
export function withSteps(state: NotebookState, steps: readonly Step[]): NotebookState {
  return steps.reduce(withStep, state);
}

export function withStep(state: NotebookState, step: Step): NotebookState {
  switch (step.do) {
    case "create":
      return withEdit(state, { kind: "create", cell: step.cell, position: step.position });
    case "restore": {
      const { cell, position } = step;
      if (state.cells.has(cell.id)) return state;
      const cells = state.cells.with(cell.id, cell);
      return { ...state, cells, order: inserted(state.order, cell.id, position) };
    }
    case "change":
      return withEdit(state, { kind: "change", ...step });
    case "move": {
      if (!state.cells.has(step.cellId)) return state;
      const others = state.order.filter((id) => id !== step.cellId);
      return { ...state, order: inserted(others, step.cellId, step.position) };
    }
    case "delete":
      return withoutCell(state, step.cellId);
  }
}

/** Several changes that the server has made, and which events have not told of. */
export interface MadeSteps {
  readonly steps: readonly Step[];
  readonly epoch: string;
  /** Of the event by which all of it is told. */
  readonly sequence: number;
}

/**
 * Changes as they were made: with the versions that they gave. Where a cell was not what the edit was
 * made on, its text is not known, and neither is its version.
 *
 * @param state What is shown without them.
 * @param known See `knownVersions`.
 */
export function withNewVersions(state: NotebookState, steps: readonly Step[], known: Readonly<Record<string, string>>): readonly Step[] {
  return steps.map((step) => {
    const version = known[cellOf(step)] ?? unseen();
    if (step.do === "create") return { ...step, cell: { ...step.cell, version } };
    if (step.do !== "change") return step;
    const isSeen = state.cells.get(step.cellId)?.version === step.version;
    return { ...step, version: isSeen ? version : unseen() };
  });
}

export function cellOf(step: Step): string {
  return step.do === "create" || step.do === "restore" ? step.cell.id : step.cellId;
}

function withoutCell(state: NotebookState, id: string): NotebookState {
  if (!state.cells.has(id)) return state;
  return { ...state, cells: state.cells.without(id), order: state.order.filter((other) => other !== id) };
}

function inserted(order: readonly string[], id: string, position: number): readonly string[] {
  return [...order.slice(0, position), id, ...order.slice(position)];
}

// The same cell with the same edit stays the same object: whoever shows it need not look at it again.
const changedCells = new WeakMap<Cell, { readonly edit: Changed; readonly result: Cell }>();
const newCells = new WeakMap<CellFields, Cell>();

interface Changed {
  readonly fields: CellFields;
  readonly version: string | null;
}

/** The cell with the version that the edit was made on: whatever is made on what is seen is made on that as well. */
function changedCell(cell: Cell, { fields, version }: Changed): Cell {
  const known = changedCells.get(cell);
  if (known?.edit.fields === fields && known.edit.version === version) return known.result;
  const result = { ...cell, ...fields, version: version ?? "" };
  changedCells.set(cell, { edit: { fields, version }, result });
  return result;
}

function newCell(fields: CellFields & { readonly id: string; readonly nbformat?: unknown }): Cell {
  const known = newCells.get(fields);
  if (known) return known;
  const { nbformat: _, ...own } = fields; // the server makes its outputs
  const cell: Cell = {
    type: "ComputationCell",
    content: "",
    outputs: [],
    status: "idle",
    execution_count: null,
    stale: false,
    stale_reasons: [],
    pinned: false,
    skipped: false,
    metadata: {},
    version: "",
    ...own,
  };
  newCells.set(fields, cell);
  return cell;
}

/** The cells that an edit in the queue is about. */
export function editedCells(queue: readonly QueuedEdit[]): ReadonlySet<string> {
  return new Set(queue.flatMap(({ edit }) => cellsOf(edit)));
}

function cellsOf(edit: Edit): readonly string[] {
  switch (edit.kind) {
    case "create":
      return [edit.cell.id];
    case "steps":
      return edit.steps.map(cellOf);
    case "notebook":
      return [];
    default:
      return [edit.cellId];
  }
}
