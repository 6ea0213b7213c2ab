/** The calls to models: when, how long, what they took. */

import { openCalls } from "../store/calls-view.ts";
import { useNotebook } from "../store/context.ts";
import { moment, count, seconds, spent, plural } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { rest } from "../wire/rest.ts";
import type { Call } from "../wire/shapes.ts";
import { useFetched } from "./fetched.ts";
import { CellLink } from "./request.tsx";

const SHAPES: Readonly<Record<Call["state"], IconName>> = {
  completed: "done",
  failed: "fail",
  interrupted: "cut",
  running: "run",
  superseded: "skip",
};

export function CallsTab() {
  const notebook = useNotebook();
  const spending = notebook.spending.value;
  const { value, error } = useFetched(
    () => rest.calls({ notebook_id: notebook.id, limit: "100" }),
    [notebook.id, spending],
  );
  if (!value) return <p class="quiet-text">{error ?? "Reading the calls"}</p>;
  if (!value.calls.length) return <p class="quiet-text">No model was asked yet.</p>;
  return (
    <>
      <p class="graph-head">
        <button class="button small" onClick={() => openCalls()}>
          <Icon name="calls" />
          All calls, with their times and costs
        </button>
      </p>
      {spending && (
        <dl class="sums figures">
          <div>
            <dd>{spent(spending.usd)}</dd>
            <dt>{spending.unpriced_calls ? `without ${plural(spending.unpriced_calls, "call")} of unknown price` : "spent"}</dt>
          </div>
          <div>
            <dd>{count(spending.calls)}</dd>
            <dt>calls</dt>
          </div>
          <div>
            <dd>{count(spending.tokens)}</dd>
            <dt>tokens</dt>
          </div>
        </dl>
      )}
      <table class="calls">
        <tbody>
          {value.calls.map((call) => (
            <tr key={call.id}>
              <td title={call.state}>
                <Icon name={call.source === "live" ? SHAPES[call.state] : "record"} />
              </td>
              <td>
                <CellLink id={call.cell_id} />
              </td>
              <td class="cut" title={call.error ?? call.answer}>
                {call.error ?? call.answer}
              </td>
              <td class="quiet-text">{call.model}</td>
              <td class="figures">{call.duration_s === null ? "" : seconds(call.duration_s)}</td>
              <td class="figures">{call.price_usd === null ? "–" : spent(call.price_usd)}</td>
              <td class="figures quiet-text">{moment(call.started_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
