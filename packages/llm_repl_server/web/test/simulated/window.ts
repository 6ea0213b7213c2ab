/** A window of the page: the store's own notebook, with a network that may be slow, lose what it carries, or be away. */

import { newId } from "../../src/store/ids.ts";
import { OpenNotebook } from "../../src/store/notebook.ts";
import type { Drafts } from "../../src/store/drafts.ts";
import type { Known } from "../../src/wire/socket.ts";
import type { WireEvent } from "../../src/wire/events.ts";
import { whose, type Clock, type Draws } from "./clock.ts";
import type { Server } from "./server.ts";

/** What a browser keeps for its windows, also when they are closed. */
export class Profile {
  readonly kept = new Map<string, { drafts: Drafts; isOpen: boolean }>();
  readonly #waiting = new Set<() => void>();

  drafts() {
    const key = newId();
    const mine = { drafts: { queue: [], conflicts: [] } as Drafts, isOpen: true };
    this.kept.set(key, mine);
    let take: ((drafts: Drafts) => Promise<unknown>) | null = null;
    const adopt = () => {
      for (const [other, { drafts, isOpen }] of this.kept) {
        if (isOpen || !mine.isOpen || !take) continue;
        this.kept.delete(other);
        if (drafts.queue.length || drafts.conflicts.length) void take(drafts);
      }
    };
    return {
      adopt: async (taken: (drafts: Drafts) => Promise<unknown>) => {
        const owner = whose.getStore()!;
        take = (drafts) => whose.run(owner, () => taken(drafts));
        this.#waiting.add(adopt);
        adopt();
      },
      keep: async (drafts: Drafts) => {
        if (mine.isOpen) mine.drafts = JSON.parse(JSON.stringify(drafts)) as Drafts;
        return true;
      },
      close: () => {
        mine.isOpen = false;
        this.#waiting.delete(adopt);
        for (const other of [...this.#waiting]) other();
      },
    };
  }
}

export class Window {
  readonly notebook: OpenNotebook;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #draws: Draws;
  readonly #say: (line: string) => void;
  isOnline = true;
  #isClosed = false;
  #isConnected = false;
  /** Another one with each connection. */
  #connection = 0;
  #known: (() => Known | null) | null = null;
  #isAsked = false;
  #lastAt = 0;

  constructor(server: Server, clock: Clock, draws: Draws, profile: Profile, say: (line: string) => void) {
    this.#say = say;
    this.#server = server;
    this.#clock = clock;
    this.#draws = draws;
    const source = {
      follow: (_: string, known: () => Known | null) => {
        this.#known = known;
        this.#isAsked = false;
        this.#ask();
      },
      resume: () => this.#ask(),
      unfollow: () => (this.#known = null),
      reconnect: () => {},
    };
    this.notebook = whose.run(this, () => new OpenNotebook(server.id, source, profile.drafts()));
    this.do(() => {
      void this.notebook.open();
      this.#connect();
    });
  }

  do<Result>(act: () => Result): Result {
    return whose.run(this, act);
  }

  close(): void {
    this.do(() => this.notebook.close());
    this.#isClosed = true;
    this.lose();
  }

  setOnline(isOnline: boolean): void {
    this.isOnline = isOnline;
    if (!isOnline) this.lose();
  }

  /** The connection is lost, with what is on its way. */
  lose(): void {
    this.#connection++;
    if (!this.#isConnected) return;
    this.#isConnected = false;
    if (!this.#isClosed) this.do(() => this.notebook.connectionChanged("lost"));
  }

  /** As the browser's `fetch`. */
  fetch(url: string, init: RequestInit): Promise<{ ok: boolean; status: number; text: () => Promise<string> }> {
    return new Promise((resolve, reject) => {
      const connection = this.#connection;
      const fail = () => this.#isClosed || reject(new TypeError("Failed to fetch"));
      if (!this.isOnline) return void this.#clock.later(this.#latency(), fail);
      const isCut = () => connection !== this.#connection || !this.isOnline;
      this.#clock.later(this.#latency(), () => {
        // What had been sent may come there all the same.
        const isLost = isCut() && this.#draws.below(2) === 0;
        if (isLost || !this.#server.isUp) return fail();
        const body = typeof init.body === "string" ? JSON.parse(init.body) : {};
        const { starts } = this.#server;
        const answer = this.#server.answer(init.method ?? "GET", url, body, (init.headers ?? {}) as Record<string, string>);
        const text = JSON.stringify(answer.body);
        if (init.method !== "GET") this.#say(`   sent: ${init.method} ${url} ${init.body as string} ${JSON.stringify(init.headers)}: ${answer.status}`);
        this.#clock.later(this.#latency(), () => {
          if (this.#isClosed) return;
          if (isCut() || !this.#server.isUp || starts !== this.#server.starts) fail();
          else resolve({ ok: answer.status < 400, status: answer.status, text: async () => text });
        });
      });
    });
  }

  #latency(): number {
    return this.#draws.below(this.#draws.oneOf([5, 20, 20, 300]));
  }

  #connect(): void {
    if (this.#isClosed) return;
    this.#clock.later(100 + this.#draws.below(400), () => this.#connect());
    if (this.#isConnected && !this.#server.isUp) this.lose();
    if (this.#isConnected || !this.isOnline || !this.#server.isUp) return;
    this.#isConnected = true;
    this.#isAsked = false;
    this.#ask();
    this.notebook.connectionChanged("connected");
  }

  #ask(): void {
    const known = this.#known?.();
    if (!this.#isConnected || !known || this.#isAsked) return;
    this.#isAsked = true;
    const connection = this.#connection;
    this.#clock.later(this.#latency(), () => {
      const server = this.#server;
      if (connection !== this.#connection || !server.isUp) return;
      const tell = (event: object) => connection === this.#connection && this.#tell(connection, event as WireEvent);
      if (known.epoch !== server.epoch) tell({ event: "resync", notebook_id: server.id, epoch: server.epoch, sequence: server.sequence });
      else for (const event of server.history.slice(known.sequence)) tell(event);
      for (const other of this.#hearers) server.hearers.delete(other);
      this.#hearers = [tell];
      server.hearers.add(tell);
      this.#isAsked = false;
    });
  }

  #hearers: ((event: object) => void)[] = [];

  /** Events come in their order, at any time before or behind the answer to what they tell of. */
  #tell(connection: number, event: WireEvent): void {
    this.#lastAt = Math.max(this.#lastAt, this.#clock.now + this.#latency());
    this.#clock.later(this.#lastAt - this.#clock.now, () => {
      if (connection === this.#connection) this.do(() => this.notebook.hear(event));
    });
  }
}
