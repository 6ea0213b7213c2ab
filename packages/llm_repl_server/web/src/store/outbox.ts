/** Sends the edits of a notebook one after the other, each until the server has it. */

import { signal } from "@preact/signals";
import { cellSteps, type EditedCells, type WireStep } from "../wire/cell-steps.ts";
import { rest, RestError } from "../wire/rest.ts";
import type { Cell, CellFields, NotebookHeader } from "../wire/shapes.ts";
import { fieldsInConflict, gathered, isOn, type ChangeEdit, type Conflict } from "./conflicts.ts";
import type { Drafts, DraftsKeeper } from "./drafts.ts";
import {
  apartFrom, cellOf, editedCells, enqueued, isBlind, knownVersions, rebased, rebasedOnSteps, stepsOf,
  unseen, withLeft,
  type Edit, type QueuedEdit, type Step,
} from "./edits.ts";
import { newId } from "./ids.ts";
import { fitted, holds, overwrites } from "./refused-steps.ts";

const TYPING_PAUSE_MS = 400;
const RETRY_AFTER_MS = 3_000;
const NO_NOTEBOOK = "no_such_notebook";

export interface Acknowledged {
  /** The server's answer to an edit that has been taken. */
  (queued: QueuedEdit, answer: EditedCells | NotebookHeader): void;
}

export class Outbox {
  readonly queue = signal<readonly QueuedEdit[]>([]);
  readonly conflicts = signal<ReadonlyMap<string, Conflict>>(new Map());
  /** What the server said of an edit that it refused; that edit is not sent again. */
  readonly refusal = signal<string | null>(null);
  /** Whether the browser keeps what is not sent yet. */
  readonly isKept = signal(true);
  readonly #notebookId: string;
  readonly #drafts: DraftsKeeper;
  readonly #acknowledged: Acknowledged;
  #sending: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: Promise<void> = Promise.resolve();
  #closed = false;
  readonly #refusedOnce = new WeakSet<Edit>();

  /** @param acknowledged Called when the server has made an edit. */
  constructor(notebookId: string, drafts: DraftsKeeper, acknowledged: Acknowledged) {
    this.#notebookId = notebookId;
    this.#drafts = drafts;
    this.#acknowledged = acknowledged;
  }

  /** Go on with what was not sent the last time, and with what a window leaves that closes. */
  async restore(): Promise<void> {
    await this.#drafts.adopt((left) => this.#take(left));
    this.#schedule(0);
  }

  add(edit: Edit): void {
    this.queue.value = enqueued(this.queue.value, edit, this.#sending);
    void this.#keep();
    this.#schedule(edit.kind === "change" ? TYPING_PAUSE_MS : 0);
  }

  async #take({ queue, conflicts }: Drafts): Promise<void> {
    this.queue.value = withLeft(this.queue.value, queue);
    for (const conflict of conflicts) this.#addConflict(conflict);
    await this.#keep();
    this.#schedule(0);
  }

  async #keep(): Promise<void> {
    this.isKept.value = await this.#drafts.keep({
      queue: this.queue.value,
      conflicts: [...this.conflicts.value.values()],
    });
  }

  /** Send all that waits, now; resolves when it is sent or can't be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const send = () => this.#send();
    this.#idle = this.#idle.then(send, send);
    await this.#idle;
  }

  /**
   * Decide a conflict.
   *
   * @param fields What the cell is to hold; empty: it stays as the other window has it.
   */
  resolve(cellId: string, fields: CellFields): void {
    const conflict = this.conflicts.value.get(cellId);
    if (!conflict) return;
    this.#setConflict(cellId, null);
    if (!Object.keys(fields).length) return;
    const { theirs } = conflict;
    // Not made on what waits to be sent of this cell: what is chosen may not have it.
    const isApart = editedCells(this.queue.value).has(cellId);
    if (theirs) this.add({ kind: "change", cellId, fields, base: theirs, version: isApart ? unseen() : theirs.version });
    else this.#createFrom(conflict, fields);
  }

  /** Decide a conflict over a cell that is not there any more: what was typed becomes a cell again. */
  putBack(conflict: Conflict): void {
    this.#setConflict(conflict.cellId, null);
    this.#createFrom(conflict, { ...conflict.mine, content: textOf(conflict) });
  }

  /** Keep what is written of both texts, until it is decided. */
  writeTogether(cellId: string, together: string): void {
    const conflict = this.conflicts.value.get(cellId);
    if (conflict) this.#setConflict(cellId, { ...conflict, together });
  }

  #createFrom({ type, position }: Conflict, fields: CellFields): void {
    this.add({ kind: "create", cell: { type, ...fields, id: newId() }, position });
  }

  /** Keep what was typed on into a cell that somebody has deleted meanwhile, behind what was typed before. */
  typedIntoDeleted(cellId: string, text: string): void {
    const conflict = this.conflicts.value.get(cellId);
    if (conflict) {
      this.#setConflict(cellId, { ...conflict, together: textOf(conflict) + text });
      return;
    }
    const typed = this.queue.value.map(({ edit }) => edit).findLast(
      (edit) => edit.kind === "change" && edit.cellId === cellId && edit.fields.content !== undefined,
    );
    if (typed?.kind === "change") this.add({ ...typed, fields: { content: (typed.fields.content ?? "") + text } });
    else this.#setConflict(cellId, conflictOf({ kind: "change", cellId, fields: { content: text }, version: null }, null));
  }

  /** Have a decided conflict again. */
  reopen(conflict: Conflict): void {
    this.#setConflict(conflict.cellId, conflict);
  }

  /** Where the cell is in conflict already, of which somebody may be writing, the text becomes a cell of its own. */
  #addConflict(conflict: Conflict): void {
    const before = this.conflicts.value.get(conflict.cellId);
    const content = conflict.together ?? conflict.mine.content;
    if (!before) this.#setConflict(conflict.cellId, conflict);
    else if (content !== undefined && content !== textOf(before)) this.#createFrom(conflict, { ...conflict.mine, content });
  }

  #setConflict(cellId: string, conflict: Conflict | null): void {
    const conflicts = new Map(this.conflicts.value);
    if (conflict) conflicts.set(cellId, conflict);
    else conflicts.delete(cellId);
    this.conflicts.value = conflicts;
    void this.#keep();
  }

  close(): void {
    this.#closed = true;
    this.#drafts.close();
    clearTimeout(this.#timer);
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.flush(), afterMs);
  }

  async #send(): Promise<void> {
    while (!this.#closed) {
      const next = this.queue.value[0];
      if (!next) return;
      this.#sending = next.number;
      try {
        const answer = await this.#sent(next.edit);
        this.#acknowledged(next, answer);
        this.#taken(next, answer);
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        if (error.isTransient) {
          this.#noteSent(next);
          this.#schedule(RETRY_AFTER_MS);
          return;
        }
        if (error.code === NO_NOTEBOOK) return; // it may come back, and then they are sent
        if (await this.#refused(next, error)) continue;
        this.#schedule(RETRY_AFTER_MS);
        return;
      } finally {
        this.#sending = null;
      }
    }
  }

  /** The first edit of the queue was taken: those behind it were made on what it has made. */
  #taken({ edit, wasSent }: QueuedEdit, answer: EditedCells | NotebookHeader): void {
    const left = this.queue.value.slice(1);
    const steps = stepsOf(edit);
    const isOfCells = steps && "versions" in answer;
    this.queue.value = isOfCells ? rebasedOnSteps(left, steps, knownVersions(steps, answer.versions, wasSent === true)) : left;
    void this.#keep();
  }

  #noteSent(sent: QueuedEdit): void {
    this.queue.value = this.queue.value.map((queued) => (queued === sent ? { ...sent, wasSent: true } : queued));
    void this.#keep();
  }

  #sent(edit: Edit): Promise<EditedCells | NotebookHeader> {
    const id = this.#notebookId;
    const steps = stepsOf(edit);
    if (steps) return cellSteps.edit(id, steps.map(wireStep));
    const { kind: _, ...change } = edit as Edit & { kind: "notebook" };
    return rest.changeNotebook(id, change);
  }

  /**
   * An edit was refused, and leaves the queue; what was typed is kept beside what the server has.
   * Gives whether that could be read; if not, the edit stays, and is refused again later.
   */
  async #refused(queued: QueuedEdit, error: RestError): Promise<boolean> {
    const { edit } = queued;
    const isGone = error.status === 404;
    if (edit.kind === "steps" || edit.kind === "create") return this.#refit(edit, error);
    if (!isGone && error.status !== 412) this.refusal.value = error.message;
    if (edit.kind !== "change") {
      this.#drop((other) => other === edit);
      return true;
    }
    let theirs: Cell | null = null;
    try {
      theirs = isGone ? null : await rest.readCell(this.#notebookId, edit.cellId);
    } catch (failure) {
      if (!(failure instanceof RestError)) throw failure;
      if (failure.isTransient) return false;
    }
    if (error.status === 412 && theirs && holds(theirs, edit.fields)) {
      // It was made, and its answer was lost: what was made on it is made on what is there.
      const again: QueuedEdit = { ...queued, edit: { ...edit, version: theirs.version, base: theirs } };
      this.queue.value = [again, ...rebased(this.queue.value.slice(1), edit, theirs.version)];
      void this.#keep();
      return true;
    }
    const all = gathered(edit, this.queue.value.map((other) => other.edit).slice(1));
    const conflict = conflictOf(all, theirs);
    if (error.status === 412 && theirs && !fieldsInConflict(conflict).length) {
      // Both changed the cell, and not the same of it: it is sent as made on what is there now.
      const again: QueuedEdit = { number: 0, edit: { ...all, version: theirs.version, base: theirs } };
      const others = this.queue.value.filter((other) => !isOn(edit, other.edit));
      this.queue.value = [again, ...others];
      void this.#keep();
      return true;
    }
    this.#drop((other) => isOn(edit, other));
    if (theirs || all.fields.content !== undefined) this.#addConflict(conflict);
    return true;
  }

  /** Others have changed the notebook: the edit is made as it still can be, or is not made. */
  async #refit(edit: Edit & { kind: "steps" | "create" }, error: RestError): Promise<boolean> {
    let cells: readonly Cell[];
    try {
      cells = (await rest.readNotebook(this.#notebookId)).cells;
    } catch (failure) {
      if (!(failure instanceof RestError)) throw failure;
      return false;
    }
    let fitting = fitted(edit, cells);
    const there = new Map(cells.map((cell) => [cell.id, cell] as const));
    const isLess = edit.kind === "steps" && edit.steps.some((step) => overwrites(step, there.get(cellOf(step))));
    // What it was refused for may be over by now: once it is sent again as it is.
    if (!fitting && !isLess && !this.#refusedOnce.has(edit)) fitting = edit;
    this.#refusedOnce.add(edit);
    if (!fitting || isLess) this.refusal.value = error.message;
    const [first, ...others] = this.queue.value;
    if (first && edit.kind === "steps") this.queue.value = [first, ...apartFrom(others, edit.steps, fitting)];
    if (fitting) {
      this.queue.value = this.queue.value.map((queued) => (queued.edit === edit ? { ...queued, edit: fitting } : queued));
      void this.#keep();
      return true;
    }
    this.#drop((other) => other === edit);
    if (edit.kind === "create" && edit.cell.content) {
      const { id, ...fields } = edit.cell;
      const made = { kind: "change", cellId: id, fields, version: null } as const;
      this.#setConflict(id, { ...conflictOf(made, null), type: fields.type ?? "ComputationCell", position: cells.length });
    }
    return true;
  }

  #drop(isDropped: (edit: Edit) => boolean): void {
    this.queue.value = this.queue.value.filter(({ edit }) => !isDropped(edit));
    void this.#keep();
  }
}

function wireStep(step: Step): WireStep {
  const named = { do: step.do, cell_id: cellOf(step) };
  switch (step.do) {
    case "create": {
      const { id: _, nbformat, ...fields } = step.cell;
      return { ...named, ...(nbformat ? { nbformat } : fields), position: step.position };
    }
    case "change":
      return { ...named, ...step.fields, version: isBlind(step) ? null : step.version };
    case "move":
      return { ...named, position: step.position };
    case "restore":
      // Where the page saw it: the server knows of no others that stand between.
      return { ...named, position: step.position };
    case "delete":
      return named;
  }
}

/** What a conflict leaves of what was written here. */
const textOf = ({ together, mine, theirs }: Conflict) => together ?? mine.content ?? theirs?.content ?? "";

function conflictOf(edit: ChangeEdit, theirs: Cell | null): Conflict {
  const now = Date.now();
  return {
    cellId: edit.cellId,
    mine: edit.fields,
    base: edit.base ?? {},
    theirs,
    changedAt: edit.at ?? now,
    foundAt: now,
    type: theirs?.type ?? edit.place?.type ?? "ComputationCell",
    position: edit.place?.position ?? 0,
  };
}
