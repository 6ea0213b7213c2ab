/** What the tab shows of a notebook while one looks elsewhere, and what one missed. Pure. */

import type { NotebookState } from "./state.ts";

export type TabState = "quiet" | "running" | "asks" | "failed";

/** What most needs a person comes first. */
export function tabState(is: { readonly asking: boolean; readonly failed: boolean; readonly running: boolean }): TabState {
  return is.asking ? "asks" : is.failed ? "failed" : is.running ? "running" : "quiet";
}

/** Whether a call of a tool waits for a person. */
export function isAsking(state: NotebookState | null): boolean {
  return [...(state?.activities.values() ?? [])].some(({ approvals }) => approvals.length > 0);
}

/** What there was when one looked away. */
export interface LookedAway {
  /** The cells that ran or waited. */
  readonly underWay: readonly string[];
  /** By cell: how often it had run. */
  readonly counts: Readonly<Record<string, number>>;
  readonly usd: number;
}

export function lookAway(state: NotebookState, usd: number): LookedAway {
  const cells = [...state.cells.values()];
  return {
    underWay: cells.filter(isUnderWay).map(({ id }) => id),
    counts: Object.fromEntries(cells.map(({ id, execution_count }) => [id, execution_count ?? 0])),
    usd,
  };
}

const isUnderWay = ({ status }: { readonly status: string }) => status === "running" || status === "queued";

/** The cells that ended meanwhile, and those of them that failed. */
export function endedMeanwhile(before: LookedAway, now: NotebookState) {
  const was = new Set(before.underWay);
  const cells = now.order.map((id) => now.cells.get(id)).filter((cell) => cell !== undefined);
  const ended = cells.filter(
    (cell) =>
      !isUnderWay(cell) &&
      (was.has(cell.id) ? cell.status !== "idle" : (cell.execution_count ?? 0) > (before.counts[cell.id] ?? Infinity)),
  );
  return { ended: ended.map(({ id }) => id), failed: ended.filter(({ status }) => status === "error").map(({ id }) => id) };
}
