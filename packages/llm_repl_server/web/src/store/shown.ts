/**
 * What is shown of an open notebook, in signals: one for each thing that changes by itself, so that an
 * event is heard by those alone who show what it is about.
 */

import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";
import type { CellNeed } from "../wire/queue.ts";
import type { NotebookFile } from "../wire/notebook-file.ts";
import type { NotebookKernel } from "../wire/kernel.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { earlierOutputs } from "./earlier.ts";
import { Keyed } from "./keyed.ts";
import { KeyedSignals } from "./keyed-signals.ts";
import { isFromFile } from "./opened.ts";
import { needs, places } from "./queue.ts";
import type { Activity, Growing, NotebookState } from "./state.ts";
import { isAsking } from "./tab.ts";

/** What is shown of one cell. */
export interface CellView {
  readonly cell: ReadonlySignal<Cell | undefined>;
  /** What it gave before its text was edited, until it gives something else. */
  readonly earlier: ReadonlySignal<readonly Output[] | undefined>;
  readonly activity: ReadonlySignal<Activity | undefined>;
  /** What comes of its answers. */
  readonly growing: ReadonlySignal<Growing | undefined>;
  readonly index: ReadonlySignal<number>;
  /** Its place among all that wait, from 1; undefined: it does not. */
  readonly place: ReadonlySignal<number | undefined>;
  /** What it waits for and has not ended. */
  readonly needs: ReadonlySignal<readonly CellNeed[]>;
  /** Whether an edit of it waits to be sent. */
  readonly isUnsent: ReadonlySignal<boolean>;
  /** Whether what it shows came of a run elsewhere. */
  readonly isFromFile: ReadonlySignal<boolean>;
}

const NO_NEEDS: readonly CellNeed[] = [];

export class Shown {
  readonly order = signal<readonly string[]>([]);
  readonly runs = signal<NotebookState["runs"]>([]);
  readonly name = signal("");
  readonly metadata = signal<NotebookState["metadata"]>({});
  readonly file = signal<NotebookFile | null>(null);
  readonly kernel = signal<NotebookKernel | undefined>(undefined);
  readonly presence = signal<"loading" | "there" | "deleted">("loading");
  /** The cells that something is under way in. */
  readonly underWay = signal<ReadonlySet<string>>(new Set());
  /** Whether a call of a tool waits for a person. */
  readonly isAsking = signal(false);
  /**
   * All of it, for those who look at every cell: it follows when nothing more urgent is to be done, and
   * not with the words of answers.
   */
  readonly whole = signal<NotebookState | null>(null);
  /** The words of answers that have come and are not shown. */
  readonly #unshown = new Set<string>();
  #state: NotebookState | null = null;
  readonly #cells = new KeyedSignals<Cell>();
  readonly #earlier = new KeyedSignals<readonly Output[]>();
  #kept = Keyed.of<readonly Output[]>();
  readonly #activities = new KeyedSignals<Activity>();
  readonly #growing = new KeyedSignals<Growing>();
  readonly #places = new KeyedSignals<number>();
  readonly #needs = new KeyedSignals<readonly CellNeed[]>();
  readonly #ran = new KeyedSignals<true>();
  readonly #unsent = new KeyedSignals<true>();
  readonly #indexes = computed(() => new Map(this.order.value.map((id, at) => [id, at])));
  readonly #views = new Map<string, CellView>();
  #waiting = Keyed.of<readonly CellNeed[]>();
  #callOff: (() => void) | null = null;
  readonly #later: Later;

  /** @param later Does something when nothing more urgent is to be done. */
  constructor(later: Later = whenIdle) {
    this.#later = later;
  }

  /** As it is now. */
  get state(): NotebookState | null {
    return this.#state;
  }

  /** Show another state; the words of answers are shown by `showWords`. */
  show(state: NotebookState): void {
    const before = this.#state;
    this.#state = state;
    batch(() => {
      const cells = this.#cells.take(state.cells);
      this.#keepEarlier(cells, before, state);
      const activities = this.#activities.take(state.activities);
      for (const id of this.#growing.hold(state.growing)) this.#unshown.add(id);
      // The end of an answer comes with its cell.
      for (const id of activities) if (this.#unshown.delete(id)) this.#growing.tell(id);
      this.#ran.take(state.ran);
      if (!isSameOrder(this.order.peek(), state.order)) this.order.value = state.order;
      this.runs.value = state.runs;
      this.name.value = state.name;
      this.metadata.value = state.metadata;
      this.file.value = state.file;
      this.kernel.value = state.kernel;
      this.presence.value = state.deleted ? "deleted" : "there";
      if (activities.length) {
        const isOther = activities.some((id) => state.activities.has(id) !== this.underWay.peek().has(id));
        if (isOther) this.underWay.value = new Set(state.activities.keys());
        this.isAsking.value = isAsking(state);
      }
      const hasOtherStatus = cells.some((id) => before?.cells.get(id)?.status !== state.cells.get(id)?.status);
      if (hasOtherStatus || before?.runs !== state.runs || before.waits !== state.waits) {
        this.#places.take(state.runs.length ? places(state) : Keyed.of());
        this.#needs.take((this.#waiting = needs(state, this.#waiting)));
      }
      if (before === null) this.whole.value = state;
      else if (!isSameButWords(before, state)) this.#follow();
    });
  }

  /** Keep of the cells that have changed what an edit has taken from them. */
  #keepEarlier(changed: readonly string[], before: NotebookState | null, state: NotebookState): void {
    for (const id of changed) {
      const earlier = earlierOutputs(before?.cells.get(id), this.#kept.get(id), state.cells.get(id));
      this.#kept = earlier ? this.#kept.with(id, earlier) : this.#kept.without(id);
    }
    this.#earlier.take(this.#kept);
  }

  /** Show the words that have come of some of the answers that wait longest for it; whether others still wait. */
  showWords(most: number): boolean {
    const ids = [...this.#unshown].slice(0, most);
    batch(() => {
      for (const id of ids) {
        this.#unshown.delete(id);
        this.#growing.tell(id);
      }
    });
    return this.#unshown.size > 0;
  }

  showUnsent(ids: ReadonlySet<string>): void {
    this.#unsent.take(Keyed.of([...ids].map((id) => [id, true])));
  }

  view(id: string): CellView {
    let view = this.#views.get(id);
    if (!view) this.#views.set(id, (view = this.#viewOf(id)));
    return view;
  }

  close(): void {
    this.#callOff?.();
  }

  #viewOf(id: string): CellView {
    const cell = this.#cells.of(id);
    const ran = this.#ran.of(id);
    const unsent = this.#unsent.of(id);
    const waits = this.#needs.of(id);
    return {
      cell,
      earlier: this.#earlier.of(id),
      activity: this.#activities.of(id),
      growing: this.#growing.of(id),
      index: computed(() => this.#indexes.value.get(id) ?? -1),
      place: this.#places.of(id),
      needs: computed(() => waits.value ?? NO_NEEDS),
      isUnsent: computed(() => unsent.value === true),
      isFromFile: computed(() => cell.value !== undefined && isFromFile(cell.value, ran.value === true)),
    };
  }

  #follow(): void {
    this.#callOff ??= this.#later(() => {
      this.#callOff = null;
      this.whole.value = this.#state;
    });
  }
}

type Later = (act: () => void) => () => void;

/** How long the views of all cells may be behind, in milliseconds. */
const BEHIND_MS = 150;

/** Act when nothing more urgent is to be done; gives what calls it off. */
function whenIdle(act: () => void): () => void {
  if (typeof requestIdleCallback === "undefined") {
    const timer = setTimeout(act, BEHIND_MS / 3); // Safari
    return () => clearTimeout(timer);
  }
  const idle = requestIdleCallback(act, { timeout: BEHIND_MS });
  return () => cancelIdleCallback(idle);
}

function isSameOrder(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((id, at) => id === other[at]));
}

function isSameButWords(one: NotebookState, other: NotebookState): boolean {
  const names = Object.keys(one) as (keyof NotebookState)[];
  return names.every((name) => name === "growing" || name === "sequence" || one[name] === other[name]);
}
