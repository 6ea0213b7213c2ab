/** How far the runs under way are, counted in what is asked; what of it is left. Pure. */

import type { CellForecast, RunForecast } from "../wire/plan.ts";
import type { Cell } from "../wire/shapes.ts";
import { answers } from "./status.ts";
import type { Activity, Run } from "./state.ts";

export interface Progress {
  readonly ended: number;
  readonly total: number;
  /** Whether prompts are counted, with each item of those over items; else cells, as there are no prompts. */
  readonly ofPrompts: boolean;
}

export interface Watched {
  readonly cell: (id: string) => Cell | undefined;
  readonly activity: (id: string) => Activity | undefined;
  /** What a run was expected to take as it began. */
  readonly forecast: (runId: string) => RunForecast | undefined;
}

export function progressOf(runs: readonly Run[], watched: Watched): Progress {
  let [ended, total] = [0, 0];
  for (const run of runs) {
    const forecasts = byCell(watched.forecast(run.id));
    for (const id of run.cellIds) {
      const cell = watched.cell(id);
      if (cell?.type !== "PromptCell") continue;
      const items = watched.activity(id)?.items;
      const isOver = hasEnded(cell);
      const calls = items?.total ?? callsOf(cell, isOver, forecasts.get(id));
      total += calls;
      ended += isOver ? calls : (items?.ended ?? 0);
    }
  }
  if (total) return { ended, total, ofPrompts: true };
  const sum = (of: (run: Run) => number) => runs.reduce((all, run) => all + of(run), 0);
  return { ended: sum((run) => run.ended), total: sum((run) => run.total), ofPrompts: false };
}

/** Whether a run is over with a cell of it: before, that waits or runs. */
function hasEnded({ status }: Cell): boolean {
  return status !== "queued" && status !== "running";
}

function callsOf(cell: Cell, isOver: boolean, forecast: CellForecast | undefined): number {
  if (!cell.for_each) return 1;
  const given = answers(cell).length;
  return (isOver && given) || forecast?.calls || given || 1;
}

/** About how long a run still takes, in seconds, if answers take as long as earlier ones; null: not known. */
export function secondsLeft(run: Run, watched: Watched, now: number): number | null {
  const forecast = watched.forecast(run.id);
  if (!forecast) return null;
  const waves = new Map<number, number>();
  for (const { cell_id, wave, asked_calls, expected_s } of forecast.cells) {
    const cell = watched.cell(cell_id);
    if (!asked_calls || wave === null || !cell || hasEnded(cell)) continue;
    if (expected_s === null) return null;
    const activity = watched.activity(cell_id);
    const items = activity?.items;
    const share = items?.total ? 1 - items.ended / items.total : 1;
    // Of items, those that have ended say more than the clock.
    const took = activity && !items ? (now - activity.since) / 1000 : 0;
    waves.set(wave, Math.max(waves.get(wave) ?? 0, expected_s * share - took));
  }
  return [...waves.values()].reduce((sum, each) => sum + each, 0);
}

/** What the calls of a cell take at most in its run, while they are under way; undefined: not known. */
export function reservedBy(
  id: string, runs: readonly Run[], watched: Pick<Watched, "activity" | "forecast">,
): CellForecast | undefined {
  const run = runs.find((one) => one.hasBegun && one.cellIds.includes(id));
  const found = run && watched.forecast(run.id)?.cells.find((cell) => cell.cell_id === id && cell.asked_calls > 0);
  const items = watched.activity(id)?.items?.total ?? 0;
  return found && items > found.calls ? ofItems(found, items) : found;
}

/** What a cell takes of which one call was known, when its items are. */
function ofItems(found: CellForecast, items: number): CellForecast {
  const times = items / Math.max(1, found.calls);
  return {
    ...found, calls: items, input_tokens: Math.round(found.input_tokens * times),
    price_usd: found.price_usd === null ? null : found.price_usd * times,
  };
}

function byCell(forecast: RunForecast | undefined): ReadonlyMap<string, CellForecast> {
  return new Map(forecast?.cells.map((cell) => [cell.cell_id, cell]));
}
