/** Two windows, another client, a server: whatever is done, no word is lost, and all end as the server has it. */

import "./browser.ts";
import {
  addCell, changeType, deleteCells, duplicateCells, mergeCells, moveCell, redo, splitCell, undo,
} from "../../src/cells/commands.ts";
import type { Conflict } from "../../src/store/conflicts.ts";
import { focused } from "../../src/store/focus.ts";
import { merge } from "../../src/store/merge.ts";
import { Clock, Draws, whose } from "./clock.ts";
import { Server, type Stored } from "./server.ts";
import { Profile, Window } from "./window.ts";

export interface Action {
  readonly name: string;
  readonly window: number;
  readonly seed: number;
  readonly afterMs: number;
}

const CHOICES = [
  ...Array<string>(14).fill("type"), ...Array<string>(4).fill("typeInBoth"), ...Array<string>(3).fill("add"),
  ...Array<string>(2).fill("move"), "delete", "delete", "changeType", "changeType", "undo", "undo", "undo", "redo", "redo",
  "duplicate", "merge", "merge", "split", "split", "decide", "decide",
  "writeTogether", "writeTogether",
  "otherEdits", "otherEdits", "otherAdds", "otherMoves", "otherDeletes", "otherRestores",
  "offline", "online", "online", "reload", "kill", "start", "start",
];

export function actionsOf(seed: number, count: number): readonly Action[] {
  const draws = new Draws(seed);
  return Array.from({ length: count }, () => ({
    name: draws.oneOf(CHOICES),
    window: draws.below(2),
    seed: draws.below(1 << 30),
    afterMs: draws.below(draws.oneOf([2, 30, 200, 1500])),
  }));
}

/** What is wrong after the actions; empty: nothing. */
export async function lived(seed: number, actions: readonly Action[], say: (line: string) => void = () => {}): Promise<string> {
  const world = new World(new Draws(seed + 1_000_000), seed % 3 === 0, say);
  return world.live(actions);
}

export class World {
  readonly clock = new Clock();
  readonly server = new Server("n");
  /** What was typed. */
  readonly words: string[] = [];
  readonly #net: Draws;
  readonly windows: Window[] = [];
  readonly #profiles: readonly Profile[];
  readonly #say: (line: string) => void;
  #draws = new Draws(0);
  #count = 0;

  /** @param isOneBrowser Whether both windows are of one, which keeps their drafts. */
  constructor(net: Draws, isOneBrowser: boolean, say: (line: string) => void = () => {}) {
    this.#say = say;
    this.#net = net;
    this.clock.install();
    let ids = 0;
    Object.defineProperty(crypto, "randomUUID", { value: () => `id${++ids}`, configurable: true });
    Object.assign(globalThis, { fetch: (url: string, init: RequestInit) => (whose.getStore() as Window).fetch(url, init) });
    const profile = new Profile();
    this.#profiles = [profile, isOneBrowser ? profile : new Profile()];
    for (const id of ["a", "b", "c", "d"]) this.server.answer("POST", "/api/notebooks/n/cells", { type: "ComputationCell", content: `# ${id}` }, { "Idempotency-Key": id });
    for (const each of this.#profiles) this.windows.push(this.#open(each));
  }

  #open(profile: Profile): Window {
    return new Window(this.server, this.clock, this.#net, profile, this.#say);
  }

  async live(actions: readonly Action[]): Promise<string> {
    await this.clock.pass(2000);
    for (const action of actions) {
      this.#draws = new Draws(action.seed);
      const window = this.windows[action.window]!;
      this.#act(action.name, action.window, window);
      await this.clock.pass(action.afterMs);
    }
    return this.end();
  }

  /** Have all sent and decided; gives what is wrong then. */
  async end(): Promise<string> {
    this.#start();
    for (const window of this.windows) window.setOnline(true);
    for (let round = 0; round < 60; round++) {
      await this.clock.pass(5000);
      for (const window of this.windows) this.decideAll(window);
      if (this.windows.every((one) => !one.notebook.outbox.queue.peek().length && !one.notebook.outbox.conflicts.peek().size)) break;
      if (round === 59) return `not all is sent: ${JSON.stringify(this.windows.map((one) => [one.notebook.outbox.queue.peek(), [...one.notebook.outbox.conflicts.peek()]]))}`;
    }
    await this.clock.pass(5000);
    const found = this.#wrong();
    for (const window of this.windows) window.close();
    return found;
  }

  #wrong(): string {
    const all = [...this.server.cells, ...this.server.bin].map((cell) => cell.content).join("\n");
    const lost = this.words.filter((word) => !new RegExp(`\\b${word}\\b`).test(all));
    if (lost.length) return `lost: ${lost.join(" ")}`;
    const there = JSON.stringify(this.server.cells.map((cell) => [cell.id, cell.content, this.server.shown(cell).version]));
    for (const [number, { notebook }] of this.windows.entries()) {
      const { state } = notebook;
      const shown = JSON.stringify(state?.order.map((id) => [id, state.cells.get(id)?.content, state.cells.get(id)?.version]));
      if (shown !== there) return `window ${"AB"[number]} shows ${shown}, the server has ${there}`;
    }
    return "";
  }

  #newWord(): string {
    this.words.push(`w${this.#count++}x`);
    return this.words.at(-1)!;
  }

  #act(name: string, number: number, window: Window): void {
    const { notebook } = window;
    const order = notebook.order.peek();
    const id = order[this.#draws.below(order.length || 1)];
    const isFree = id !== undefined && !notebook.outbox.conflicts.peek().has(id);
    this.#say(`${this.clock.now} ${"AB"[number]} ${name} ${id ?? ""}`);
    const cellCommand = (act: (id: string) => void) => isFree && window.do(() => act(id));
    switch (name) {
      case "type":
        cellCommand((id) => this.#type(window, id));
        break;
      case "typeInBoth": {
        const both = this.windows.every((one) => one.notebook.order.peek().includes(id ?? "") && !one.notebook.outbox.conflicts.peek().has(id ?? ""));
        if (both) for (const one of this.windows) one.do(() => this.#type(one, id!));
        break;
      }
      case "add":
        window.do(() => {
          addCell(notebook, "ComputationCell", this.#draws.below(order.length + 1));
          this.#type(window, focused.peek()!);
        });
        break;
      case "move":
        cellCommand((id) => moveCell(notebook, id, this.#draws.oneOf([-1, 1])));
        break;
      case "delete":
        if (order.length > 3) cellCommand((id) => deleteCells(notebook, [id]));
        break;
      case "changeType":
        cellCommand((id) => changeType(notebook, [id], this.#draws.oneOf(["MarkdownCell", "PromptCell", "ComputationCell"])));
        break;
      case "undo":
        window.do(() => undo(notebook));
        break;
      case "redo":
        window.do(() => redo(notebook));
        break;
      case "duplicate":
        cellCommand((id) => duplicateCells(notebook, [id]));
        break;
      case "merge":
        if (order.length > 3) cellCommand((id) => mergeCells(notebook, [id]));
        break;
      case "split":
        cellCommand((id) => {
          const content = notebook.view(id).cell.peek()?.content ?? "";
          const gaps = [...content.matchAll(/ /g)].map((match) => match.index);
          splitCell(notebook, id, gaps.length ? this.#draws.oneOf(gaps) : 0);
        });
        break;
      case "writeTogether":
        window.do(() => {
          const conflict = [...notebook.outbox.conflicts.peek().values()].find(({ theirs, cellId }) => theirs && order.includes(cellId));
          if (conflict) notebook.outbox.writeTogether(conflict.cellId, `${this.#together(conflict)} ${this.#newWord()}`);
        });
        break;
      case "decide":
        this.decideAll(window);
        break;
      case "offline":
        window.setOnline(false);
        break;
      case "online":
        window.setOnline(true);
        break;
      case "reload":
        if (window.isOnline && this.server.isUp) this.reload(number);
        break;
      case "kill":
        this.kill();
        break;
      case "start":
        this.#start();
        break;
      default:
        this.#byAnother(name);
    }
  }

  reload(number: number): void {
    this.windows[number]!.close();
    this.windows[number] = this.#open(this.#profiles[number]!);
  }

  kill(): void {
    if (!this.server.isUp) return;
    this.server.kill();
    for (const one of this.windows) one.lose();
  }

  /** Somebody else changes a cell to a text. */
  changeElsewhere(id: string, content: string): void {
    this.server.answer("PUT", `/api/notebooks/n/cells/${id}`, { content }, {});
  }

  #start(): void {
    if (!this.server.isUp) this.server.start();
  }

  /** Type a word behind the text of a cell. */
  type(number: number, id: string): void {
    const window = this.windows[number]!;
    const word = this.#newWord();
    const text = window.notebook.view(id).cell.peek()?.content ?? "";
    window.do(() => window.notebook.change(id, { content: `${text} ${word}` }));
  }

  #type(window: Window, id: string): void {
    const word = this.#newWord();
    const before = window.notebook.view(id).cell.peek()?.content ?? "";
    const content = this.#draws.oneOf([`${before} ${word}`, `${before} ${word}`, `${word} ${before}`, before.replace(" ", ` ${word} `)]);
    const whole = content.includes(word) ? content : `${before} ${word}`;
    this.#say(`   ${word} into ${id}`);
    if (this.#draws.below(2)) return window.notebook.change(id, { content: whole });
    // Key by key, and meanwhile it is sent.
    window.notebook.change(id, { content: whole.replace(word, word.slice(0, -1)) });
    if (this.#draws.below(2)) void window.notebook.outbox.flush();
    this.clock.later(this.#draws.below(40), () => {
      const there = window.notebook.view(id).cell.peek()?.content ?? "";
      const isFree = !window.notebook.outbox.conflicts.peek().has(id);
      const typed = there.replace(new RegExp(`\\b${word.slice(0, -1)}\\b`), word);
      if (this.windows.includes(window) && isFree && typed !== there) window.notebook.change(id, { content: typed });
      else this.words.splice(this.words.indexOf(word), 1); // it was left in the middle
    });
  }

  /** Decide what is in conflict as its first button does: save together, or put it back. */
  decideAll(window: Window): void {
    const { notebook } = window;
    for (const conflict of notebook.outbox.conflicts.peek().values()) {
      const isThere = conflict.theirs !== null && notebook.order.peek().includes(conflict.cellId);
      this.#say(`   decide ${JSON.stringify(conflict)}`);
      window.do(() => {
        if (!isThere) return notebook.outbox.putBack(conflict);
        const { content: _, ...others } = conflict.mine;
        notebook.outbox.resolve(conflict.cellId, { ...others, content: this.#together(conflict) });
      });
    }
  }

  /** The text of both, as it stands where it can be written. */
  #together({ together, mine, base, theirs }: Conflict): string {
    const there = theirs?.content ?? "";
    return together ?? merge(base.content ?? there, mine.content ?? there, there).text;
  }

  #byAnother(name: string): void {
    const { server } = this;
    if (!server.isUp) return;
    const path = "/api/notebooks/n/cells";
    const cell: Stored | undefined = server.cells[this.#draws.below(server.cells.length || 1)];
    if (name === "otherAdds") {
      server.answer("POST", path, { type: "ComputationCell", content: `# ${this.#newWord()}` }, { "Idempotency-Key": crypto.randomUUID() });
    } else if (name === "otherRestores") {
      const binned = server.bin[this.#draws.below(server.bin.length || 1)];
      if (binned) server.answer("POST", `/api/notebooks/n/bin/${binned.id}/restore`, {}, {});
    } else if (!cell) return;
    else if (name === "otherEdits") {
      server.answer("PUT", `${path}/${cell.id}`, { content: `# ${this.#newWord()} ${cell.content}` }, {});
      this.#say(`   ${this.words.at(-1)} into ${cell.id}`);
    }
    else if (name === "otherMoves") server.answer("POST", `${path}/${cell.id}/move`, { position: 0 }, {});
    else server.answer("DELETE", `${path}/${cell.id}`, {}, {});
  }
}

/** The fewest of the actions that go wrong. */
export async function shrunk(seed: number, actions: readonly Action[], kind = ""): Promise<readonly Action[]> {
  let left = actions;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < left.length; ) {
      const fewer = left.toSpliced(from, size);
      const wrong = fewer.length < left.length ? await lived(seed, fewer) : "";
      if (wrong && wrong.startsWith(kind)) left = fewer;
      else from += size;
    }
  }
  return left.length < actions.length ? shrunk(seed, left, kind) : left;
}
