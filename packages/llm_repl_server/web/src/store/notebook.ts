/** An open notebook: what the server said, what is not sent yet, and what a person can do with it. */

import { batch, computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { rest, RestError, type RunOptions } from "../wire/rest.ts";
import { planning, type CellChoice } from "../wire/plan.ts";
import type { Connection, EventSource, Known } from "../wire/socket.ts";
import type { WireEvent } from "../wire/events.ts";
import type { EditedCells } from "../wire/cell-steps.ts";
import type { Cell, CellFields, CellType, Notebook, NotebookHeader, Spending } from "../wire/shapes.ts";
import { hearAsked } from "./asked.ts";
import { allBothTexts } from "./both-texts.ts";
import type { Conflict } from "./conflicts.ts";
import { DraftsStore, type DraftsKeeper } from "./drafts.ts";
import {
  editedCells, knownVersions, stepsOf, withEdits, withNewVersions, withSteps, type MadeSteps, type QueuedEdit, type Step,
} from "./edits.ts";
import { hearFile } from "./file-news.ts";
import { Frames } from "./frames.ts";
import { newId } from "./ids.ts";
import { Outbox } from "./outbox.ts";
import { connection } from "./server.ts";
import { reduce, withoutApproval } from "./reduce.ts";
import { noteMade } from "./scripts.ts";
import { Shown, type CellView } from "./shown.ts";
import { withQueue } from "./queue.ts";
import { feasible, inverse, keepingTyped, NO_HISTORY, redoable, withDeed, type History } from "./structure.ts";
import { stateOf, type Approval, type NotebookState } from "./state.ts";
import { runCalls } from "../wire/run-calls.ts";

const READ_AGAIN_MS = 2_000;
/** Of so many answers the new words are drawn in one frame: what it costs does not grow with how many come. */
const ANSWERS_A_FRAME = 2;

export class OpenNotebook {
  readonly id: string;
  readonly outbox: Outbox;
  /** What the server has said. */
  #server: NotebookState | null = null;
  /** That with what was edited here and not sent. */
  readonly #shown = new Shown();
  readonly unsent: ReadonlySignal<ReadonlySet<string>>;
  /** What was done here to cells as a whole, and can be undone. */
  readonly history = signal<History>(NO_HISTORY);
  /** How many edits are not sent: one a cell, and one for the notebook itself. */
  readonly unsentCount: ReadonlySignal<number>;
  readonly spending = signal<Spending | null>(null);
  readonly failure = signal<string | null>(null);
  /** The variables that a template may name. */
  readonly names = signal<readonly string[]>([]);
  /** How many cells are stale. */
  readonly staleCount: ReadonlySignal<number>;
  readonly order: ReadonlySignal<readonly string[]> = this.#shown.order;
  readonly runs: ReadonlySignal<NotebookState["runs"]> = this.#shown.runs;
  readonly name: ReadonlySignal<string> = this.#shown.name;
  readonly metadata: ReadonlySignal<NotebookState["metadata"]> = this.#shown.metadata;
  readonly kernel: ReadonlySignal<NotebookState["kernel"] | undefined> = this.#shown.kernel;
  readonly file: ReadonlySignal<NotebookState["file"]> = this.#shown.file;
  /** By cell: what was changed here and elsewhere, and cells that a merge has left with two texts. */
  readonly conflicts: ReadonlySignal<ReadonlyMap<string, Conflict>>;
  /** Whether there is something to show. */
  readonly presence: ReadonlySignal<"loading" | "there" | "deleted"> = this.#shown.presence;
  /** The cells that something is under way in. */
  readonly underWay: ReadonlySignal<ReadonlySet<string>> = this.#shown.underWay;
  readonly isAsking: ReadonlySignal<boolean> = this.#shown.isAsking;
  /** All of it, for views of all cells: it follows a moment later. */
  readonly whole: ReadonlySignal<NotebookState | null> = this.#shown.whole;
  readonly #source: EventSource;
  readonly #frames = new Frames(() => this.#take());
  readonly #stopEdits: () => void;
  #known: Known | null = null;
  #reading: Promise<void> | null = null;
  #readAgain = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #events: WireEvent[] = [];
  /** What the server has made, and not told yet: it is shown over what it has told, in its order. */
  #made: readonly MadeSteps[] = [];
  /** How many edits the server has made. */
  #madeCount = 0;

  constructor(id: string, source: EventSource, drafts: DraftsKeeper = new DraftsStore(id)) {
    this.id = id;
    this.#source = source;
    this.outbox = new Outbox(id, drafts, (queued, answer) => this.#acknowledged(queued, answer));
    this.staleCount = computed(() => {
      let count = 0;
      for (const cell of this.whole.value?.cells.values() ?? []) if (cell.stale) count++;
      return count;
    });
    let merged: ReadonlyMap<string, Conflict> = new Map();
    const inCells = computed(() => (merged = allBothTexts(this.whole.value, merged)));
    this.conflicts = computed(() => {
      const own = this.outbox.conflicts.value;
      return inCells.value.size ? new Map([...inCells.value, ...own]) : own;
    });
    this.unsent = computed(() => editedCells(this.outbox.queue.value));
    this.unsentCount = computed(() => {
      const hasOwn = this.outbox.queue.value.some(({ edit }) => edit.kind === "notebook");
      return this.unsent.value.size + (hasOwn ? 1 : 0);
    });
    this.#stopEdits = effect(() => {
      const unsent = this.unsent.value;
      untracked(() => {
        this.#shown.showUnsent(unsent);
        this.#show(this.#server);
      });
    });
  }

  /** As it is now, for what is done with it; what shows it takes the signals. */
  get state(): NotebookState | null {
    return this.#shown.state;
  }

  view(id: string): CellView {
    return this.#shown.view(id);
  }

  async open(): Promise<void> {
    await this.read();
    await this.outbox.restore();
  }

  close(): void {
    this.#source.unfollow(this.id);
    this.outbox.close();
    this.#frames.close();
    this.#shown.close();
    this.#stopEdits();
    clearTimeout(this.#retry);
  }

  /** Read all anew: at the start, and where it is not known what was missed. */
  read(): Promise<void> {
    this.#readAgain = this.#reading !== null;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
      if (this.#readAgain) void this.read();
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      let made: number;
      let notebook: Notebook;
      do {
        made = this.#madeCount;
        notebook = await rest.readNotebook(this.id);
      } while (made !== this.#madeCount); // it may be as it was before the edit
      this.#made = [];
      batch(() => {
        this.#show(stateOf(notebook, this.#server, Date.now()));
        this.names.value = notebook.state_keys;
        this.failure.value = null;
      });
      this.#events = [];
      this.#known = { epoch: notebook.epoch, sequence: notebook.sequence };
      this.#source.follow(this.id, () => this.#known);
      void this.readSpending();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (error.isTransient) this.#retry = setTimeout(() => void this.read(), READ_AGAIN_MS);
      if (error.status === 404 && this.#server) this.#show({ ...this.#server, deleted: true });
      else if (error.status !== 0 || this.#server === null) this.failure.value = error.message;
    }
  }

  /** What was missed comes by itself; what was typed meanwhile is sent. */
  connectionChanged(state: Connection): void {
    if (state !== "connected") return;
    this.failure.value = null;
    void this.outbox.flush();
    if (this.#known === null) void this.read();
    else void this.readSpending();
  }

  readSpending(): Promise<void> {
    return rest.spending(this.id).then((spending) => void (this.spending.value = spending), () => {});
  }

  /** An event has come. Those of one frame are drawn at once. */
  hear(event: WireEvent): void {
    const known = this.#known;
    if (event.notebook_id !== this.id || known === null) return;
    if (event.event === "resync" || event.epoch !== known.epoch) {
      void this.read();
      return;
    }
    if (event.sequence <= known.sequence) return;
    if (event.sequence > known.sequence + 1) {
      this.#source.resume(this.id); // it comes again, behind what is missing
      return;
    }
    this.#known = { epoch: event.epoch, sequence: event.sequence };
    noteMade(event);
    this.#events.push(event);
    this.#frames.request();
  }

  /** Take what has come; whether some of it waits for another frame. */
  #take(): boolean {
    const events = this.#events;
    this.#events = [];
    let state = this.#server;
    if (state && events.length) {
      const now = Date.now();
      for (const event of events) state = reduce(state, event, now);
      hearAsked(this.id, events);
      hearFile(events);
      if (events.some((event) => event.event === "run_started" && event.total > 1)) this.#readQueue();
      this.#show(state);
      if (events.some((event) => event.event === "run_ended")) void this.readSpending();
    }
    return this.#shown.showWords(ANSWERS_A_FRAME);
  }

  /** Show what the server has said, with the edits that it has not. */
  #show(server: NotebookState | null): void {
    this.#server = server;
    if (!server) return;
    this.#made = this.#made.filter(({ epoch, sequence }) => epoch !== server.epoch || sequence > server.sequence);
    this.#shown.show(withEdits(this.#withMade(server), this.outbox.queue.peek()));
  }

  #withMade(server: NotebookState): NotebookState {
    return this.#made.reduce((so_far, { steps }) => withSteps(so_far, steps), server);
  }

  /** Ask what the cells of a run wait for, which its events say of the next one only. */
  #readQueue(): void {
    void runCalls.queue(this.id).then(
      (queue) => {
        if (this.#server) this.#show(withQueue(this.#server, queue));
      },
      () => {},
    );
  }

  /** Take a cell out of what waits. */
  removeQueued(cellId: string): Promise<void> {
    return this.#ask(() => runCalls.removeQueued(this.id, cellId));
  }

  /** Agree to a call of a tool, and to all others of the same tool until the run ends. */
  allowForRun(cellId: string, asked: Approval): void {
    void this.decideTool(cellId, asked.callId, true, true);
  }

  // What a person does -----------------------------------------------------------------------------

  change(cellId: string, fields: CellFields): void {
    const cell = this.state?.cells.get(cellId);
    const edit = { kind: "change", cellId, fields, version: this.versionOf(cellId), at: Date.now() } as const;
    if (!cell) return this.outbox.add(edit); // it is gone
    const names = Object.keys(fields) as (keyof CellFields)[];
    const base: CellFields = Object.fromEntries(names.map((name) => [name, cell[name]]));
    const place = { type: cell.type, position: this.order.peek().indexOf(cellId) };
    this.outbox.add({ ...edit, base, place });
  }

  /** Make a cell at a position, and give its id. */
  create(type: CellType, position: number, fields: CellFields = {}): string {
    const id = newId();
    const cell = { ...fields, id, type };
    this.#note("add a cell", [{ do: "create", cell, position }]);
    // By itself, so that what is typed into it is sent with it.
    this.outbox.add({ kind: "create", cell, position });
    return id;
  }

  /** The version of a cell that is seen, or that what is seen was made on; null: it is new, and not sent yet. */
  versionOf(cellId: string): string | null {
    return this.state?.cells.get(cellId)?.version || null;
  }

  /** Change the structure of the notebook: all steps as one, which can be undone as one. */
  edit(words: string, steps: readonly Step[]): void {
    if (!steps.length) return;
    this.#note(words, steps);
    this.outbox.add({ kind: "steps", steps });
  }

  /** Undo what was last done to cells as a whole; gives its words, null: there is nothing. */
  undo(): string | null {
    const { done, undone } = this.history.value;
    const deed = done.at(-1);
    const { state } = this;
    if (!deed || !state) return null;
    const steps = this.#onWhatIsSeen(feasible(state, keepingTyped(state, deed.undo, deed.redo)));
    const redo = redoable(state, deed, steps);
    this.history.value = { done: done.slice(0, -1), undone: [...undone, { ...deed, redo }] };
    if (steps.length) this.outbox.add({ kind: "steps", steps });
    return deed.words;
  }

  /** Do again what was last undone. */
  redo(): string | null {
    const { done, undone } = this.history.value;
    const deed = undone.at(-1);
    const { state } = this;
    if (!deed || !state) return null;
    const steps = this.#onWhatIsSeen(feasible(state, keepingTyped(state, deed.redo, deed.undo)));
    this.history.value = { done: [...done, { ...deed, undo: inverse(state, steps) }], undone: undone.slice(0, -1) };
    if (steps.length) this.outbox.add({ kind: "steps", steps });
    return deed.words;
  }

  /** Steps that put no text in the place of one that another window has saved, and that is not shown here yet. */
  #onWhatIsSeen(steps: readonly Step[]): readonly Step[] {
    return steps.map((step) =>
      step.do === "change" ? { ...step, version: this.versionOf(step.cellId) } : step,
    );
  }

  #note(words: string, steps: readonly Step[]): void {
    const { state } = this;
    if (!state) return;
    this.history.value = withDeed(this.history.value, { words, undo: inverse(state, steps), redo: steps });
  }

  rename(name: string): void {
    this.outbox.add({ kind: "notebook", name });
  }

  setMetadata(metadata: Record<string, unknown>): void {
    this.outbox.add({ kind: "notebook", metadata });
  }

  runCell(cellId: string, options: RunOptions = {}, include?: "upstream" | "downstream"): Promise<void> {
    return this.#ask(() => rest.runCell(this.id, cellId, options, include));
  }

  runAll(options: RunOptions = {}): Promise<void> {
    return this.#ask(() => rest.runAll(this.id, options));
  }

  runChosen(choice: CellChoice, options: RunOptions = {}): Promise<void> {
    return this.#ask(() => planning.execute(this.id, { ...choice, ...options }));
  }

  runStale(options: RunOptions = {}): Promise<void> {
    return this.#ask(() => rest.runStale(this.id, options));
  }

  interrupt(): Promise<void> {
    return this.#ask(() => rest.interrupt(this.id));
  }

  interruptCell(cellId: string): Promise<void> {
    return this.#ask(() => rest.interruptCell(this.id, cellId));
  }

  restart(): Promise<void> {
    return this.#ask(() => rest.restart(this.id));
  }

  decideTool(cellId: string, callId: string, approved: boolean, wholeRun = false): Promise<void> {
    return this.#ask(async () => {
      await rest.decideTool(this.id, cellId, callId, approved, wholeRun);
      if (this.#server) this.#show(withoutApproval(this.#server, cellId, callId, wholeRun));
    });
  }

  /** Take a cell as the server has answered with it, before its event comes. */
  take(cell: Cell): void {
    const server = this.#server;
    if (server?.cells.has(cell.id)) this.#show({ ...server, cells: server.cells.with(cell.id, cell) });
  }

  /** Ask the server for something, after it has every edit. */
  async #ask(request: () => Promise<unknown>): Promise<void> {
    if (connection.peek() === "lost") {
      this.failure.value = "Not connected: nothing can run or be stopped until the server is back.";
      return;
    }
    await this.outbox.flush();
    try {
      await request();
      this.failure.value = null;
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.failure.value = error.message;
    }
  }

  #acknowledged({ edit, wasSent }: QueuedEdit, answer: EditedCells | NotebookHeader): void {
    this.#madeCount++;
    // What events have told of the edit is shown before it is taken for done.
    if (this.#events.length) this.#take();
    const server = this.#server;
    if (!server) return;
    const steps = stepsOf(edit);
    if (steps && "versions" in answer) {
      const known = knownVersions(steps, answer.versions, wasSent === true);
      const { epoch, sequence } = answer;
      this.#made = [...this.#made, { steps: withNewVersions(this.#withMade(server), steps, known), epoch, sequence }];
      this.#show(server);
    } else this.#show(withEdits(server, [{ number: 0, edit }]));
  }
}
