/** What was spent of the budget, what calls under way may take, what is left; absent without either. */

import { useNotebook } from "../store/context.ts";
import { useChoices } from "../store/choices.ts";
import { plan } from "../store/forecasts.ts";
import { openCalls } from "../store/calls-view.ts";
import { watchedOf } from "../store/run-forecasts.ts";
import { reservedBy } from "../store/run-progress.ts";
import { bound, spent } from "../ui/format.ts";

const NEAR = 0.8;

export function Gauge() {
  const notebook = useNotebook();
  const { budgetUsd } = useChoices(notebook);
  const usd = notebook.spending.value?.usd ?? 0;
  if (!usd && budgetUsd === null) return null;
  const running = notebook.underWay.value;
  const runs = notebook.runs.value;
  const planned = (id: string) => plan.value?.value.cells.find((cell) => cell.cell_id === id);
  const reserved = [...running]
    .map((id) => (reservedBy(id, runs, watchedOf(notebook)) ?? planned(id))?.price_usd ?? 0)
    .reduce((sum, usd) => sum + usd, 0);
  const share = budgetUsd ? Math.min(1, usd / budgetUsd) : 0;
  const held = budgetUsd ? Math.min(1 - share, reserved / budgetUsd) : 0;
  const isNear = budgetUsd !== null && share >= NEAR;
  const left = budgetUsd === null ? 0 : Math.max(0, budgetUsd - usd);
  const text = budgetUsd === null ? spent(usd) : isNear ? `${spent(left)} left` : `${spent(usd)} of $${budgetUsd.toFixed(2)}`;
  return (
    <button
      class={`bar-state gauge ${isNear ? "warns" : ""}`}
      title={`Spent by this notebook${reserved ? `, and ≤ ${bound(reserved)} by calls under way` : ""}. Opens its calls`}
      onClick={() => openCalls({})}
    >
      <span class="figures">
        {isNear || budgetUsd === null ? (
          <b>{text}</b>
        ) : (
          <>
            <b>{spent(usd)}</b>
            <span class="wide-only"> of ${budgetUsd.toFixed(2)}</span>
          </>
        )}
      </span>
      {budgetUsd !== null && (
        <span class="track" role="meter" aria-label="Budget" aria-valuemin={0} aria-valuemax={budgetUsd} aria-valuenow={Math.min(usd, budgetUsd)} aria-valuetext={text}>
          <i style={{ width: `${share * 100}%` }} />
          {held > 0 && <i class="reserved" style={{ left: `${share * 100}%`, width: `${held * 100}%` }} />}
        </span>
      )}
    </button>
  );
}
