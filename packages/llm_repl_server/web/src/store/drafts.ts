/** Keeps edits in the browser until the server has them, so that a closed window loses none. */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Conflict } from "./conflicts.ts";
import type { QueuedEdit } from "./edits.ts";

/** What a window has that the server has not. */
export interface Drafts {
  readonly queue: readonly QueuedEdit[];
  readonly conflicts: readonly Conflict[];
}

/** Where a window keeps its drafts, and takes over those of windows that are closed. */
export interface DraftsKeeper {
  /** Take over what windows have left that are closed: now, and later when one closes. */
  adopt(take: (drafts: Drafts) => Promise<unknown>): Promise<void>;
  /** Keep the drafts; whether that can be done. */
  keep(drafts: Drafts): Promise<boolean>;
  close(): void;
}

interface Schema extends DBSchema {
  /** By notebook and window: each window sends its own edits, so that none is sent by two. */
  windows: { key: string; value: Drafts };
}

let database: Promise<IDBPDatabase<Schema>> | null = null;

async function opened(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>("llm-repl-drafts", 1, {
    upgrade: (db) => void db.createObjectStore("windows"),
  });
  return database;
}

/** The drafts of one notebook in this window, kept by the browser. */
export class DraftsStore implements DraftsKeeper {
  readonly #prefix: string;
  readonly #key: string;
  readonly #closing = new AbortController();
  /** On which a window says that it has something to keep. */
  readonly #others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("llm-repl-drafts");
  readonly #awaited = new Set<string>();
  #isKnown = false;
  #release: () => void = () => {};

  constructor(notebookId: string) {
    void opened().catch(() => {}); // so that the first letter need not wait for it
    this.#prefix = `${notebookId}/`;
    this.#key = this.#prefix + Math.random().toString(36).slice(2);
  }

  async adopt(take: (drafts: Drafts) => Promise<unknown>): Promise<void> {
    try {
      await this.#hold();
      const wait = (key: string) => this.#awaited.has(key) || this.#adoptWhenClosed(key, take);
      this.#others?.addEventListener("message", ({ data }) => {
        if (typeof data === "string" && data.startsWith(this.#prefix)) void wait(data);
      });
      const range = IDBKeyRange.bound(this.#prefix, `${this.#prefix}\uffff`);
      const keys = await (await opened()).getAllKeys("windows", range);
      const adopted = keys.filter((key) => key !== this.#key).map(wait);
      // The windows that are open are not waited for; those that are closed answer at once.
      await Promise.race([Promise.all(adopted), new Promise((done) => setTimeout(done, 200))]);
    } catch {
      // Where the browser keeps nothing, nothing is left.
    }
  }

  /** The browser may be full, or a private window may keep nothing. */
  async keep(drafts: Drafts): Promise<boolean> {
    try {
      const db = await opened();
      // Not one after the other: a window that is closed now has begun to write all of it. And nothing
      // is awaited before the commit: what is not committed is undone when the window closes.
      const writing = db.transaction("windows", "readwrite");
      const isEmpty = !drafts.queue.length && !drafts.conflicts.length;
      void (isEmpty ? writing.store.delete(this.#key) : writing.store.put(drafts, this.#key)).catch(() => {});
      writing.commit();
      const { done } = writing;
      if (!this.#isKnown) void done.then(() => this.#others?.postMessage(this.#key), () => {});
      this.#isKnown = true;
      await done;
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#closing.abort();
    this.#others?.close();
    this.#release();
  }

  /** Show the other windows that this one is open. */
  async #hold(): Promise<void> {
    if (!navigator.locks) return; // the page is not served from this machine, nor encrypted
    await new Promise<void>((held) => {
      void navigator.locks.request(this.#key, () => {
        held();
        return new Promise<void>((release) => (this.#release = release));
      });
    });
  }

  async #adoptWhenClosed(key: string, take: (drafts: Drafts) => Promise<unknown>): Promise<void> {
    this.#awaited.add(key);
    const adopt = async () => {
      const db = await opened();
      const left = await db.get("windows", key);
      if (!left) return;
      await take(left);
      await db.delete("windows", key);
    };
    try {
      if (navigator.locks) await navigator.locks.request(key, { signal: this.#closing.signal }, adopt);
      else if (!this.#isKnown) await adopt(); // nobody can tell whether that window is open
    } catch {
      // This window is closed as well; the next one takes it over.
    }
    this.#awaited.delete(key);
  }
}
