/** What keys and menus do, by name: each part of the page provides its own. */

export type Action =
  | "plan" | "runStale" | "stopCell" | "stopRun" | "nextThatNeedsYou" | "sendAlong"
  | "answerBefore" | "answerAfter" | "editAnswer" | "askSeveral"
  | "notebooks" | "find" | "bin";

const provided = new Map<Action, () => void>();

/** Do this for an action from now on; gives what ends it. */
export function provide(action: Action, run: () => void): () => void {
  provided.set(action, run);
  return () => {
    if (provided.get(action) === run) provided.delete(action);
  };
}

/** Whether somebody provides the action; it is done then. */
export function perform(action: Action): boolean {
  const run = provided.get(action);
  run?.();
  return run !== undefined;
}
