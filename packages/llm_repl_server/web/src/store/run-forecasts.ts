/** What the runs under way were expected to take, as they began. */

import { effect, signal, untracked } from "@preact/signals";
import { planning, type RunForecast, type WayForecast } from "../wire/plan.ts";
import { RestError } from "../wire/rest.ts";
import { plan } from "./forecasts.ts";
import type { OpenNotebook } from "./notebook.ts";
import { progressOf, type Watched } from "./run-progress.ts";
import type { Run } from "./state.ts";

const LIMIT_MS = 8000;
/** What was spent is read again so long after something has ended. */
const AFTER_ENDS_MS = 700;

/** By run: what the whole of it takes, as it was known just before. */
export const runWays = signal<ReadonlyMap<string, WayForecast>>(new Map());

/** By run. */
export const runForecasts = signal<ReadonlyMap<string, RunForecast>>(new Map());

/** Ask for what each run takes that begins while a notebook is open; gives what ends it. */
export function watchRuns(notebook: OpenNotebook): () => void {
  const known = new Set<string>();
  const stop = effect(() => {
    const runs = notebook.runs.value;
    untracked(() => {
      for (const run of runs) {
        if (known.has(run.id)) continue;
        known.add(run.id);
        if (isWorthIt(notebook, run)) void read(notebook, run);
      }
      const left = [...runForecasts.value].filter(([id]) => runs.some((run) => run.id === id));
      if (left.length !== runForecasts.value.size) runForecasts.value = new Map(left);
      if (!runs.length && runWays.value.size) runWays.value = new Map();
    });
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stopSpending = effect(() => {
    if (!progressOf(notebook.runs.value, watchedOf(notebook)).ended) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void notebook.readSpending();
    }, AFTER_ENDS_MS);
  });
  return () => {
    stop();
    stopSpending();
    clearTimeout(timer);
    runForecasts.value = new Map();
    runWays.value = new Map();
  };
}

/** What decides how far runs are. */
export function watchedOf(notebook: OpenNotebook): Watched {
  return {
    // Of the outputs that come nothing is told here.
    cell: (id) => notebook.view(id).cell.peek(),
    activity: (id) => notebook.view(id).activity.value,
    forecast: (id) => runForecasts.value.get(id),
  };
}

/** Whether it asks more than one thing, and the record does not have some of its answers already. */
function isWorthIt(notebook: OpenNotebook, run: Run): boolean {
  if (run.mode === null || (run.mode !== "live" && run.ended > 0)) return false;
  const prompts = run.cellIds.filter((id) => notebook.view(id).cell.peek()?.type === "PromptCell");
  return prompts.length > 1 || prompts.some((id) => Boolean(notebook.view(id).cell.peek()?.for_each));
}

async function read(notebook: OpenNotebook, run: Run): Promise<void> {
  const isAll = run.cellIds.length === notebook.order.peek().length;
  const choice = isAll ? {} : { cells: run.cellIds };
  // Then the values were there to fill the prompts with: while it runs they are not.
  const before = plan.peek();
  const way = isAll && before && !before.isOld ? before.value.ways.find(({ mode }) => mode === run.mode) : undefined;
  if (way) runWays.value = new Map(runWays.peek()).set(run.id, way);
  try {
    const forecast = await planning.plan(
      notebook.id, { ...choice, ...(run.mode ? { mode: run.mode } : {}) }, AbortSignal.timeout(LIMIT_MS),
    );
    if (notebook.runs.peek().some(({ id }) => id === run.id)) {
      runForecasts.value = new Map(runForecasts.peek()).set(run.id, forecast);
    }
  } catch (error) {
    // Without it less is said.
    if (!(error instanceof RestError || error instanceof DOMException)) throw error;
  }
}
