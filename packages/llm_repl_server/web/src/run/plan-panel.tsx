/** The plan of a run: what is asked in which wave and why, for how much, and the way of this run. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { withCode } from "../prompt/fields.tsx";
import { useNotebook } from "../store/context.ts";
import { choicesOf } from "../store/choices.ts";
import { plan } from "../store/forecasts.ts";
import { focusCell } from "../store/focus.ts";
import { mayCost, planTitle, priceText, wayPrice } from "../store/prices.ts";
import { closePlan, runLimit } from "../store/plan-panel.ts";
import { bound, count, plural, seconds, spent } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { CellForecast, RunForecast, WayForecast } from "../wire/plan.ts";
import type { Mode } from "../wire/mode.ts";

const MOST_ROWS = 40;
const MODES: readonly (readonly [Mode, string])[] = [["reuse", "Reuse"], ["live", "Live"], ["replay", "Replay"]];

export function PlanPanel() {
  const notebook = useNotebook();
  const own = choicesOf(notebook).mode;
  const [mode, setMode] = useState<Mode>(own);
  const whole = useRef<HTMLDivElement>(null);
  const found = plan.value;
  useLayoutEffect(() => {
    whole.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
    const onPointer = (event: PointerEvent) => {
      const target = event.target as HTMLElement;
      if (!whole.current?.contains(target) && !target.closest(".run-split")) closePlan();
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, []);
  if (!found) return null;
  const way = found.value.ways.find((one) => one.mode === mode);
  if (!way) return null;
  const run = () => {
    const limit = runLimit.value;
    closePlan();
    void notebook.runAll({ mode, ...(limit.isOn && mode !== "replay" ? { budget: { usd: limit.usd } } : {}) });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.isComposing) return;
    const at = MODES.findIndex(([one]) => one === mode);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isRadio = (event.target as HTMLElement).role === "radio";
    if (event.key === "Escape") closePlan();
    else if (event.key === "Enter" && isRadio) run();
    else if (step && isRadio) {
      const next = MODES[(at + step + MODES.length) % MODES.length];
      if (next) setMode(next[0]);
      requestAnimationFrame(() => whole.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus());
    } else return;
    event.preventDefault();
  };
  return (
    <div
      class={found.isOld ? "plan floating is-old" : "plan floating"}
      role="dialog"
      aria-label="Plan of this run"
      ref={whole}
      onKeyDown={onKeyDown}
    >
      <h2>{planTitle(way, mode)}</h2>
      <p class="lead">{lead(found.value, way)}</p>
      <Rows forecast={found.value} mode={mode} />
      <h3>This run takes answers from</h3>
      <div class="options" role="radiogroup" aria-label="Where answers come from">
        {MODES.map(([one, word]) => {
          const other = found.value.ways.find((candidate) => candidate.mode === one);
          return (
            other && (
              <button
                role="radio"
                class="option"
                key={one}
                aria-checked={one === mode}
                tabIndex={one === mode ? 0 : -1}
                onClick={() => setMode(one)}
              >
                <i />
                <b>{word}</b>
                <span class="figures">{wayPrice(other)}</span>
                <small>{explains(one, other, notebook.order.value)}</small>
              </button>
            )
          );
        })}
      </div>
      <div class="panel-foot">
        <Limit isOff={mode === "replay"} />
        <button class="button primary end" onClick={run}>
          <Icon name="play" />
          Run{way.asked_calls ? `, ${wayPrice(way)}` : ""}
        </button>
      </div>
    </div>
  );
}

function lead(forecast: RunForecast, way: WayForecast): string {
  const parts: string[] = [];
  if (way.waves) parts.push(plural(way.waves, "wave"));
  const limit = forecast.budget?.usd ?? null;
  const left = limit === null ? null : Math.max(0, limit - forecast.spent_usd);
  const price = wayPrice(way);
  parts.push(left === null || !mayCost(way) ? price : `${price} of the ${spent(left)} that are left`);
  if (way.expected_s) parts.push(`≈ ${seconds(Math.max(0.1, way.expected_s))}`);
  if (forecast.values === "before") parts.push("as it was before what runs now");
  return parts.join(", ");
}

function explains(mode: Mode, way: WayForecast, order: readonly string[]): string {
  const stopped = way.stops[0] ?? way.missing[0];
  const number = stopped === undefined ? 0 : order.indexOf(stopped) + 1;
  if (mode === "replay") {
    if (stopped === undefined) return "Ask nobody";
    return way.stops[0] === stopped
      ? `Ask nobody. Stops at cell ${number}`
      : `Ask nobody. Stops at cell ${number}, which is not on record`;
  }
  const stops = number ? `. Stops at cell ${number}` : "";
  if (mode === "live") return `Ask all ${count(way.asked_calls)} again${stops}`;
  const recorded = way.calls - way.asked_calls;
  if (!way.asked_calls) return `Take all ${count(recorded)} from the record${stops}`;
  return `Ask the ${count(way.asked_calls)} new ${way.asked_calls === 1 ? "one" : "ones"}, take ${count(recorded)} from the record${stops}`;
}

function Rows({ forecast, mode }: { forecast: RunForecast; mode: Mode }) {
  const notebook = useNotebook();
  // The cells are of the notebook's own mode; in another way, which are asked is another matter.
  const isOwn = mode === forecast.mode;
  const prompts = forecast.cells.filter((cell) => cell.state !== "runs");
  const asked = prompts
    .filter((cell) => cell.wave !== null)
    .sort((one, other) => (one.wave ?? 0) - (other.wave ?? 0));
  const recorded = prompts.filter((cell) => cell.state === "on_record" || cell.state === "restored");
  const stopping = prompts.filter((cell) => cell.state === "missing" || cell.state === "stops");
  const code = forecast.cells.filter(
    (cell) => cell.state === "runs" && notebook.view(cell.cell_id).cell.value?.type !== "MarkdownCell",
  );
  if (!isOwn) return null;
  let wave = 0;
  return (
    <div class="plan-rows">
      <table>
        <tbody>
          {asked.slice(0, MOST_ROWS).map((cell) => {
            const isFirst = cell.wave !== wave;
            wave = cell.wave ?? 0;
            return <Row cell={cell} head={isFirst ? `Wave ${wave}` : ""} key={cell.cell_id} />;
          })}
          {asked.length > MOST_ROWS && <More number={asked.length - MOST_ROWS} />}
          {stopping.slice(0, MOST_ROWS).map((cell, at) => (
            <Row cell={cell} head={at ? "" : "Stops"} key={cell.cell_id} />
          ))}
          {recorded.slice(0, MOST_ROWS).map((cell, at) => (
            <Row cell={cell} head={at ? "" : "Record"} key={cell.cell_id} />
          ))}
          {recorded.length > MOST_ROWS && <More number={recorded.length - MOST_ROWS} />}
          {code.length > 0 && (
            <tr>
              <th>Code</th>
              <td colSpan={2}>
                {code.slice(0, 12).map((cell) => (
                  <CellNumber id={cell.cell_id} key={cell.cell_id} />
                ))}
                {code.length > 12 && ` and ${count(code.length - 12)} more`}
                <span class="runs-anyway">run in any case</span>
              </td>
              <td />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ cell, head }: { cell: CellForecast; head: string }) {
  const notebook = useNotebook();
  const shown = notebook.view(cell.cell_id).cell.value;
  const isAsked = cell.asked_calls > 0;
  const items = cell.calls > 1 ? plural(cell.calls, "item") : "";
  const reason = cell.reason || (cell.why === "live" ? "" : cell.is_certain ? "" : "probably");
  return (
    <tr class={head ? undefined : "same"}>
      <th>{head}</th>
      <td>
        <CellNumber id={cell.cell_id} />
        <code>{shown?.response_var ?? `response_${notebook.view(cell.cell_id).index.value}`}</code>
      </td>
      <td class="says-why">{withCode([reason, items].filter(Boolean).join(", "))}</td>
      <td class="figures">
        {isAsked ? priceText(cell.price_usd, cell.is_bound) : cell.state === "missing" || cell.state === "stops" ? "" : "free"}
      </td>
    </tr>
  );
}

function More({ number }: { number: number }) {
  return (
    <tr class="same">
      <th />
      <td colSpan={3}>{count(number)} more</td>
    </tr>
  );
}

function CellNumber({ id }: { id: string }) {
  const notebook = useNotebook();
  const number = notebook.view(id).index.value + 1;
  return (
    <button
      class="cell-link figures"
      aria-label={`Go to cell ${number}`}
      onClick={() => {
        closePlan();
        focusCell(id);
      }}
    >
      {number}
    </button>
  );
}

/** The limit of this run: nothing is sent that may lead over it. */
function Limit({ isOff }: { isOff: boolean }) {
  const { isOn, usd } = runLimit.value;
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          disabled={isOff}
          onChange={(event) => (runLimit.value = { ...runLimit.value, isOn: event.currentTarget.checked })}
        />
        Stop this run before
      </label>
      <input
        class="input short figures"
        inputMode="decimal"
        aria-label="Limit of this run in US dollars"
        disabled={isOff}
        value={typed ?? `$${usd < 0.01 ? bound(usd).slice(1) : usd.toFixed(2)}`}
        onInput={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          const given = Number.parseFloat(text.replace(/^\s*\$\s*/, "").replace(",", "."));
          if (given >= 0) runLimit.value = { isOn: true, usd: given };
        }}
        onBlur={() => setTyped(null)}
      />
    </>
  );
}
