/** Sends the edits of a notebook one after the other, each until the server has it. */

import { signal } from "@preact/signals";
import { cellSteps, type WireStep } from "../wire/cell-steps.ts";
import { rest, RestError } from "../wire/rest.ts";
import type { Cell } from "../wire/shapes.ts";
import { drafts } from "./drafts.ts";
import { cellOf, enqueued, rebased, rebasedOnSteps, type Edit, type QueuedEdit, type Step } from "./edits.ts";

const TYPING_PAUSE_MS = 400;
const RETRY_AFTER_MS = 3_000;

/** A cell was changed elsewhere while it was changed here. */
export interface Conflict {
  readonly mine: Edit & { readonly kind: "change" };
  readonly theirs: Cell;
}

export interface Acknowledged {
  /** The server's answer to an edit that has been taken. */
  (edit: Edit, answer: unknown): void;
}

export class Outbox {
  readonly queue = signal<readonly QueuedEdit[]>([]);
  readonly conflicts = signal<ReadonlyMap<string, Conflict>>(new Map());
  /** What the server said of an edit that it refused; that edit is not sent again. */
  readonly refusal = signal<string | null>(null);
  readonly #notebookId: string;
  readonly #acknowledged: Acknowledged;
  #sending: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(notebookId: string, acknowledged: Acknowledged) {
    this.#notebookId = notebookId;
    this.#acknowledged = acknowledged;
  }

  /** Go on with what was not sent the last time. */
  async restore(): Promise<void> {
    const kept = await drafts.read(this.#notebookId);
    if (kept.length) this.queue.value = kept;
    this.#schedule(0);
  }

  add(edit: Edit): void {
    this.queue.value = enqueued(this.queue.value, edit, this.#sending);
    void drafts.keep(this.#notebookId, this.queue.value);
    this.#schedule(edit.kind === "change" ? TYPING_PAUSE_MS : 0);
  }

  /** Send all that waits, now; resolves when it is sent or can't be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#idle = this.#idle.then(() => this.#send());
    await this.#idle;
  }

  /** Decide a conflict: what the cell is to hold. */
  resolve(cellId: string, fields: (Edit & { kind: "change" })["fields"]): void {
    const conflict = this.conflicts.value.get(cellId);
    if (!conflict) return;
    const conflicts = new Map(this.conflicts.value);
    conflicts.delete(cellId);
    this.conflicts.value = conflicts;
    this.add({ kind: "change", cellId, fields, version: conflict.theirs.version });
  }

  close(): void {
    this.#closed = true;
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
      let answer: { version?: unknown; versions?: Readonly<Record<string, string>> } = {};
      try {
        answer = (await this.#sent(next.edit)) as typeof answer;
        this.#acknowledged(next.edit, answer);
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        if (error.isTransient) {
          this.#schedule(RETRY_AFTER_MS);
          return;
        }
        await this.#refused(next.edit, error);
      } finally {
        this.#sending = null;
      }
      const left = this.queue.value.slice(1);
      if (next.edit.kind === "steps") this.queue.value = rebasedOnSteps(left, next.edit.steps, answer.versions ?? {});
      else this.queue.value = typeof answer.version === "string" ? rebased(left, next.edit, answer.version) : left;
      void drafts.keep(this.#notebookId, this.queue.value);
    }
  }

  #sent(edit: Edit): Promise<unknown> {
    const id = this.#notebookId;
    switch (edit.kind) {
      case "create": {
        const { id: newId, ...fields } = edit.cell;
        return rest.createCell(id, { ...fields, position: edit.position }, newId);
      }
      case "change":
        return rest.changeCell(id, edit.cellId, edit.fields, edit.version);
      case "move":
        return rest.moveCell(id, edit.cellId, edit.position);
      case "delete":
        return rest.deleteCell(id, edit.cellId);
      case "steps":
        return cellSteps.edit(id, edit.steps.map(wireStep));
      case "notebook": {
        const { kind: _, ...change } = edit;
        return rest.changeNotebook(id, change);
      }
    }
  }

  async #refused(edit: Edit, error: RestError): Promise<void> {
    if (error.status === 412 && edit.kind === "change") {
      const theirs = await rest.readCell(this.#notebookId, edit.cellId);
      this.conflicts.value = new Map(this.conflicts.value).set(edit.cellId, { mine: edit, theirs });
    } else if (error.status !== 404 || edit.kind === "steps") {
      // What is gone needs no edit; anything else is said.
      this.refusal.value = error.message;
    }
  }
}

function wireStep(step: Step): WireStep {
  const named = { do: step.do, cell_id: cellOf(step) };
  switch (step.do) {
    case "create": {
      const { id: _, ...fields } = step.cell;
      return { ...named, ...fields, position: step.position };
    }
    case "change":
      return { ...named, ...step.fields, version: step.version };
    case "move":
      return { ...named, position: step.position };
    case "restore":
      // Where the page saw it: the server knows of no others that stand between.
      return { ...named, position: step.position };
    case "delete":
      return named;
  }
}
