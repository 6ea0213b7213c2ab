/** How far what runs is, how long it still takes, and what it has cost of what it may. */

import { useRef } from "preact/hooks";
import { useNow } from "../store/clock.ts";
import { useNotebook } from "../store/context.ts";
import { priceText } from "../store/prices.ts";
import { runForecasts, runWays, watchedOf } from "../store/run-forecasts.ts";
import { progressOf, secondsLeft, type Progress } from "../store/run-progress.ts";
import { count, seconds, spent } from "../ui/format.ts";

/** With less left it is said no more. */
const LEAST_LEFT_S = 0.5;

export function useProgress(): Progress {
  const notebook = useNotebook();
  return progressOf(notebook.runs.value, watchedOf(notebook));
}

export function RunFacts() {
  const notebook = useNotebook();
  const runs = notebook.runs.value;
  const begun = runs.find((run) => run.hasBegun);
  const now = useNow(begun !== undefined);
  const before = useRef(notebook.spending.peek()?.usd ?? null);
  const { ended, total, ofPrompts } = useProgress();
  const usd = before.current === null ? 0 : Math.max(0, (notebook.spending.value?.usd ?? 0) - before.current);
  const left = begun ? secondsLeft(begun, watchedOf(notebook), now) : null;
  const forecast = begun ? runForecasts.value.get(begun.id) : undefined;
  const known = begun ? runWays.value.get(begun.id) : undefined;
  const way = known ?? forecast?.ways.find((one) => one.mode === forecast.mode);
  const isPriced = way !== undefined && way.asked_calls > 0 && way.price_usd !== 0;
  return (
    <>
      <span class="figures" role="status">
        <b>{count(ended)}</b> of <b>{count(total)}</b>
        {ofPrompts && <span class="unit"> prompts</span>}
      </span>
      {begun && total > 1 && (
        <span class="figures run-facts" aria-hidden="true">
          <span>
            <b>{seconds(Math.max(0, now - begun.since) / 1000)}</b>
            {left !== null && left >= LEAST_LEFT_S && `, ≈ ${seconds(left)} left`}
          </span>
          {(usd > 0 || isPriced) && (
            <span>
              <b>{spent(usd)}</b>
              {isPriced && way.price_usd !== null && ` of ${priceText(way.price_usd, way.is_bound)}`}
            </span>
          )}
        </span>
      )}
    </>
  );
}
