/** A notebook that was opened and has not run here: what it shows is what the file has. */

import { count } from "../ui/format.ts";
import type { WayForecast } from "../wire/plan.ts";
import type { Cell } from "../wire/shapes.ts";
import type { NotebookState } from "./state.ts";

/** Whether it shows what came of a run elsewhere, and no kernel was started for it yet. */
export function isOnlyOpened(state: NotebookState | null): boolean {
  if (!state || state.kernel.state !== "none" || state.runs.length) return false;
  for (const cell of state.cells.values()) if (cell.outputs.length) return true;
  return false;
}

/** Whether what a cell shows is from the file; a cell that runs, or never ran, has nothing of it. */
export function isFromFile(cell: Cell, hasRun: boolean): boolean {
  return cell.status === "completed" && !hasRun;
}

/** How many of the answers are on record: "All 12 are on record."; empty where none is, as far as is known. */
export function recordSentence(way: WayForecast | undefined): string {
  if (!way?.calls) return "";
  const recorded = Math.max(0, way.calls - way.asked_calls);
  if (recorded >= way.calls) return way.calls === 1 ? "The one prompt is on record." : `All ${count(way.calls)} are on record.`;
  if (!recorded) return "";
  return `${count(recorded)} of ${count(way.calls)} ${recorded === 1 ? "is" : "are"} on record.`;
}

/** Whether a replay has all that it needs. */
export function canReplay(way: WayForecast | undefined): boolean {
  return Boolean(way?.calls) && !way?.missing.length && !way?.stops.length;
}
