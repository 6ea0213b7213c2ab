/** A time of its own, in which nothing waits: what the page asks to be called by is called as soon as nothing is before it. */

import { AsyncLocalStorage } from "node:async_hooks";

const nothingElse = setImmediate;

/** Whose turn it is: what somebody asks for later is theirs as well. */
export const whose = new AsyncLocalStorage<object>();

interface Task {
  readonly at: number;
  readonly number: number;
  readonly act: () => void;
}

export class Clock {
  now = 0;
  readonly #tasks = new Map<number, Task>();
  #number = 0;

  /** Take the place of the browser's timers. */
  install(): void {
    const browser = globalThis as unknown as Record<string, unknown>;
    browser["setTimeout"] = (act: () => void, ms = 0) => this.later(ms, act);
    browser["clearTimeout"] = (id: number | undefined) => this.#tasks.delete(id ?? -1);
    browser["requestAnimationFrame"] = (act: () => void) => this.later(16, act);
    browser["cancelAnimationFrame"] = (id: number) => this.#tasks.delete(id);
  }

  later(ms: number, act: () => void): number {
    const number = ++this.#number;
    const owner = whose.getStore();
    this.#tasks.set(number, { at: this.now + Math.max(0, ms), number, act: owner ? () => whose.run(owner, act) : act });
    return number;
  }

  /** Let so much time go by. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await new Promise((done) => nothingElse(done));
      const next = this.#next();
      if (!next || next.at > end) break;
      this.#tasks.delete(next.number);
      this.now = next.at;
      next.act();
    }
    this.now = end;
  }

  #next(): Task | undefined {
    let found: Task | undefined;
    for (const task of this.#tasks.values()) if (!found || task.at < found.at) found = task;
    return found;
  }
}

/** Numbers that look random, and are the same each time. */
export class Draws {
  #last: number;

  constructor(seed: number) {
    this.#last = (seed * 2654435761) >>> 0;
    for (let at = 0; at < 4; at++) this.below(2);
  }

  below(limit: number): number {
    this.#last = (Math.imul(this.#last, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#last / 4294967296) * limit);
  }

  oneOf<Value>(all: readonly Value[]): Value {
    return all[this.below(all.length)]!;
  }
}

/** None at random: the next of the given numbers, and 10 when there are none left. */
export class Given extends Draws {
  readonly next: number[] = [];

  constructor() {
    super(0);
  }

  override below(_: number): number {
    return this.next?.shift() ?? 10;
  }

  override oneOf<Value>(all: readonly Value[]): Value {
    return all[0]!;
  }
}
