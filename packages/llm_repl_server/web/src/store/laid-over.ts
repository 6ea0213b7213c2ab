/** The server's state with the edits laid over it, where most of what comes are words of answers. */

import { withEdits, type QueuedEdit } from "./edits.ts";
import type { NotebookState } from "./state.ts";

/**
 * Gives what `withEdits` gives. While neither the edits nor what they touch have changed, the cells are the same
 * objects as before: whoever shows cells need not look at them with every word.
 */
export function layOver(): (server: NotebookState, queue: readonly QueuedEdit[]) => NotebookState {
  let last: { server: NotebookState; queue: readonly QueuedEdit[]; result: NotebookState } | null = null;
  return (server, queue) => {
    if (!queue.length) {
      last = null;
      return server;
    }
    const before = last?.server;
    const isSame =
      last?.queue === queue && before?.cells === server.cells && before.order === server.order &&
      before.name === server.name && before.metadata === server.metadata;
    // A deleted cell takes more along.
    const isPlain = queue.every(({ edit }) => edit.kind === "change" || edit.kind === "move" || edit.kind === "notebook");
    if (last && isSame && isPlain) {
      const { cells, order, name, metadata } = last.result;
      return { ...server, cells, order, name, metadata };
    }
    const result = withEdits(server, queue);
    last = { server, queue, result };
    return result;
  };
}
