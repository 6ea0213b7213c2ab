/** Keeps edits in the browser until the server has them, so that a closed window loses none. */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { QueuedEdit } from "./edits.ts";

interface Schema extends DBSchema {
  queues: { key: string; value: readonly QueuedEdit[] };
}

let database: Promise<IDBPDatabase<Schema>> | null = null;

function opened(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>("llm-repl", 1, {
    upgrade: (db) => void db.createObjectStore("queues"),
  });
  return database;
}

export const drafts = {
  /** The edits of a notebook that were not sent; none where the browser keeps nothing. */
  async read(notebookId: string): Promise<readonly QueuedEdit[]> {
    try {
      return (await (await opened()).get("queues", notebookId)) ?? [];
    } catch {
      return [];
    }
  },
  /** Keep the edits. A private window may not let us: then only the server has them. */
  async keep(notebookId: string, queue: readonly QueuedEdit[]): Promise<void> {
    try {
      const db = await opened();
      if (queue.length) await db.put("queues", queue, notebookId);
      else await db.delete("queues", notebookId);
    } catch {
      // Nothing more can be done here: the edits stay in memory, and are sent.
    }
  },
};
