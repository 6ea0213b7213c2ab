/** What calls cost, by cell, by model and by day. */

import { useNotebook } from "../store/context.ts";
import type { CallsFilter } from "../store/calls-view.ts";
import { moment, plural, spent } from "../ui/format.ts";
import type { CallTotals, Sums } from "../wire/call-totals.ts";

const MOST_ROWS = 8;
const DAYS = 14;

interface Props {
  readonly totals: CallTotals;
  readonly onChoose: (filter: CallsFilter) => void;
}

export function Costs({ totals, onChoose }: Props) {
  const notebook = useNotebook();
  const order = notebook.order.value;
  const days = totals.by_day.slice(-DAYS);
  const hasPrices = totals.total.usd > 0;
  const [first, last] = [days[0], days[days.length - 1]];
  return (
    <div class="costs figures">
      <section>
        <h2>By cell</h2>
        <Rows
          hasPrices={hasPrices}
          rows={totals.by_cell.map((sums) => ({
            sums,
            name: `${order.indexOf(sums.cell_id) + 1 || "deleted"} ${notebook.view(sums.cell_id).cell.value?.response_var ?? ""}`.trim(),
            filter: { cell_id: sums.cell_id },
          }))}
          onChoose={onChoose}
        />
      </section>
      <section>
        <h2>By model</h2>
        <Rows
          hasPrices={hasPrices}
          rows={totals.by_model.map((sums) => ({ sums, name: sums.model, filter: { model: sums.model } }))}
          onChoose={onChoose}
        />
      </section>
      <section>
        <h2>By day</h2>
        <div class="days" role="img" aria-label={days.map((day) => `${day.day}: ${amount(day, hasPrices)}`).join(", ")}>
          {days.map((day) => (
            <i
              key={day.day}
              title={`${day.day}: ${amount(day, hasPrices)}`}
              class={day === last ? "is-last" : undefined}
              style={{ height: `${Math.max(2, 100 * share(day, days, hasPrices))}%` }}
            />
          ))}
        </div>
        {first && last && (
          <p class="days-ends">
            <span>{days.length > 1 ? dayName(first.day) : ""}</span>
            <span>{`${dayName(last.day)}, ${amount(last, hasPrices)}`}</span>
          </p>
        )}
      </section>
    </div>
  );
}

interface RowsProps {
  readonly hasPrices: boolean;
  readonly rows: readonly { readonly sums: Sums; readonly name: string; readonly filter: CallsFilter }[];
  readonly onChoose: (filter: CallsFilter) => void;
}

function Rows({ rows, hasPrices, onChoose }: RowsProps) {
  const all = rows.map(({ sums }) => sums);
  return (
    <>
      {rows.slice(0, MOST_ROWS).map(({ sums, name, filter }) => (
        <button class="cost-row" title={`Show the calls of ${name} only`} onClick={() => onChoose(filter)}>
          <span>{name}</span>
          <span>
            <i style={{ width: `${100 * share(sums, all, hasPrices)}%` }} />
          </span>
          <b>{amount(sums, hasPrices)}</b>
        </button>
      ))}
      {rows.length > MOST_ROWS && <p class="note">{`and ${rows.length - MOST_ROWS} more`}</p>}
    </>
  );
}

/** In money where there are prices, else in tokens. */
function size(sums: Sums, hasPrices: boolean): number {
  return hasPrices ? sums.usd : sums.input_tokens + sums.output_tokens || sums.calls;
}

function share(sums: Sums, all: readonly Sums[], hasPrices: boolean): number {
  const most = Math.max(...all.map((one) => size(one, hasPrices)), 0);
  return most ? size(sums, hasPrices) / most : 0;
}

function amount(sums: Sums, hasPrices: boolean): string {
  return hasPrices ? spent(sums.usd) : plural(sums.calls, "call");
}

function dayName(day: string): string {
  const at = new Date(`${day}T12:00:00`);
  return at.toDateString() === new Date().toDateString() ? "today" : moment(at.toISOString()).replace(/, .*/, "");
}
