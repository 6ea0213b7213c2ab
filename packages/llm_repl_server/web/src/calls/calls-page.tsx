/** The calls in the document's place: one table is list and waterfall, with the costs below. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useFetched } from "../inspector/fetched.ts";
import { callsView, closeCalls, openCalls, type CallsFilter } from "../store/calls-view.ts";
import { useNotebook } from "../store/context.ts";
import { count, moment, plural, seconds, spent } from "../ui/format.ts";
import { Scrolling } from "../ui/scrolling.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { API, rest } from "../wire/rest.ts";
import { runCalls } from "../wire/run-calls.ts";
import type { Call, RunInfo } from "../wire/shapes.ts";
import { CallDetail } from "./call-detail.tsx";
import { CallName, price, tokens } from "./call-facts.tsx";
import { Costs } from "./costs.tsx";
import { axisOf, type Bar } from "./waterfall.ts";

const PAGE = 100;

export function CallsPage() {
  const notebook = useNotebook();
  const view = callsView.value;
  const runs = useFetched(() => rest.runs(notebook.id), [notebook.id, notebook.spending.value]).value;
  const [more, setMore] = useState(1);
  const [chosen, setChosen] = useState<string | null>(null);
  const latest = view?.isLatestRun ? runs?.[0]?.id : undefined;
  const filter: CallsFilter = { ...view?.filter, ...(latest ? { run_id: latest } : {}) };
  const query = useMemo(() => ({ notebook_id: notebook.id, ...filter }), [notebook.id, JSON.stringify(filter)]);
  const isReady = !view?.isLatestRun || runs !== null;
  const { value: calls, error } = useFetched(
    async () => (isReady ? readPages(query, more) : null),
    [query, more, isReady, notebook.spending.value],
  );
  const totals = useFetched(
    async () => (isReady ? runCalls.callTotals({ ...query, utc_offset_minutes: offsetMinutes() }) : null),
    [query, isReady, notebook.spending.value],
  ).value;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      closeCalls();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const listed = calls?.calls ?? [];
  const selected = listed.find((call) => call.id === chosen) ?? null;
  const run = runs?.find((one) => one.id === filter.run_id);
  return (
    <div class="calls-page">
      <main class="calls-main">
        <Head runs={runs ?? []} run={run} filter={filter} query={query} />
        {error && <p class="warning">{error}</p>}
        {totals && <Figures totals={totals.total} run={run} />}
        {calls && !listed.length && <p class="empty">No model was asked here yet.</p>}
        {listed.length > 0 && <CallTable calls={listed} chosen={chosen} onChoose={setChosen} />}
        {calls?.next && (
          <button class="button" onClick={() => setMore(more + 1)}>
            Show more
          </button>
        )}
        {totals && totals.total.calls > 0 && <Costs totals={totals} onChoose={(part) => openCalls({ ...filter, ...part })} />}
      </main>
      {selected && <CallDetail call={selected} onClose={() => setChosen(null)} />}
    </div>
  );
}

async function readPages(query: Record<string, string>, pages: number) {
  let page = await rest.calls({ ...query, limit: String(PAGE) });
  let calls = page.calls;
  for (let at = 1; at < pages && page.next; at++) {
    page = await rest.calls({ ...query, limit: String(PAGE), cursor: page.next });
    calls = [...calls, ...page.calls];
  }
  return { calls, next: page.next };
}

function offsetMinutes(): string {
  return String(-new Date().getTimezoneOffset());
}

interface HeadProps {
  readonly runs: readonly RunInfo[];
  readonly run: RunInfo | undefined;
  readonly filter: CallsFilter;
  readonly query: Record<string, string>;
}

function Head({ runs, run, filter, query }: HeadProps) {
  const [isSearching, setIsSearching] = useState(false);
  const { run_id: _run, ...others } = filter;
  const chips = Object.entries(others).filter(([name]) => name !== "search");
  return (
    <header class="calls-head">
      <button class="button quiet only-icon" aria-label="Back to the document" title="Back (Esc)" onClick={closeCalls}>
        <Icon name="left" />
      </button>
      <h1>Calls</h1>
      <MenuButton
        label={`Of which run: ${run ? runName(run) : "All runs"}`}
        class="button"
        button={
          <>
            {run ? runName(run) : "All runs"}
            <Icon name="down" />
          </>
        }
      >
        {runs.slice(0, 12).map((one) => (
          <MenuItem icon={one.id === filter.run_id ? "done" : "calls"} onClick={() => openCalls({ ...others, run_id: one.id })}>
            {runName(one)}
          </MenuItem>
        ))}
        <hr />
        <MenuItem icon="list" onClick={() => openCalls(others)}>
          All runs
        </MenuItem>
      </MenuButton>
      {chips.map(([name, value]) => (
        <button class="button small" title="Remove this filter" onClick={() => openCalls(without(filter, name))}>
          {name === "cell_id" ? <>cell <CellName id={String(value)} /></> : String(value)}
          <Icon name="x" />
        </button>
      ))}
      <span class="end">
        {filter.run_id && (
          <button class="button quiet" onClick={() => openCalls(others)}>
            <Icon name="list" />
            All runs
          </button>
        )}
        {isSearching || filter.search ? (
          <input
            type="search"
            class="input"
            placeholder="Words of what was sent or came"
            aria-label="Search the calls"
            maxLength={200}
            value={filter.search ?? ""}
            autofocus
            onInput={(event) => openCalls(event.currentTarget.value ? { ...filter, search: event.currentTarget.value } : without(filter, "search"))}
            onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), setIsSearching(false))}
          />
        ) : (
          <MenuButton
            label="Filter"
            class="button quiet"
            button={
              <>
                <Icon name="search" />
                Filter
              </>
            }
          >
            <MenuItem icon="search" onClick={() => setIsSearching(true)}>By words</MenuItem>
            <MenuItem icon="done" onClick={() => openCalls({ ...filter, source: "live" })}>Asked only</MenuItem>
            <MenuItem icon="record" onClick={() => openCalls({ ...filter, source: "reuse" })}>From record only</MenuItem>
            <MenuItem icon="fail" onClick={() => openCalls({ ...filter, state: "failed" })}>Failed only</MenuItem>
          </MenuButton>
        )}
        <a class="button quiet" href={`${API}calls/export?${new URLSearchParams(query)}`} download="calls.jsonl">
          <Icon name="out" />
          Export
        </a>
      </span>
    </header>
  );
}

function CellName({ id }: { id: string }) {
  const notebook = useNotebook();
  return <>{notebook.view(id).index.value + 1 || "deleted"}</>;
}

function without(filter: CallsFilter, name: string): CallsFilter {
  return Object.fromEntries(Object.entries(filter).filter(([other]) => other !== name));
}

function runName(run: RunInfo): string {
  const at = new Date(run.created_at);
  const day = at.toDateString() === new Date().toDateString() ? "today, " : "";
  return `Run of ${day}${moment(run.created_at)}, ${run.mode}`;
}

function Figures({ totals, run }: { totals: import("../wire/call-totals.ts").Sums; run: RunInfo | undefined }) {
  const took = run?.started_at && run.ended_at ? (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000 : null;
  return (
    <dl class="call-figures figures">
      <div>
        <dd>{count(totals.calls)}</dd>
        <dt>{totals.recorded ? `calls, ${count(totals.recorded)} from record` : totals.calls === 1 ? "call" : "calls"}</dt>
      </div>
      <div>
        <dd>{seconds(took ?? totals.duration_s)}</dd>
        <dt>{took === null ? "one after the other" : `${seconds(totals.duration_s)} one after the other`}</dt>
      </div>
      <div>
        <dd>{spent(totals.usd)}</dd>
        <dt>{totals.unpriced ? `without ${plural(totals.unpriced, "call")} of unknown price` : `${count(totals.input_tokens + totals.output_tokens)} tokens`}</dt>
      </div>
      {totals.recorded > 0 && (
        <div>
          <dd>{spent(totals.saved_usd)}</dd>
          <dt>saved by the record</dt>
        </div>
      )}
    </dl>
  );
}

interface TableProps {
  readonly calls: readonly Call[];
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

function CallTable({ calls, chosen, onChoose }: TableProps) {
  const inOrder = useMemo(() => [...calls].reverse(), [calls]);
  const axis = useMemo(() => axisOf(inOrder, Date.now()), [inOrder]);
  const body = useRef<HTMLTableSectionElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const row = (event.target as HTMLElement).closest("tr");
    const at = [...(body.current?.children ?? [])].indexOf(row ?? document.body);
    const next = inOrder[Math.max(0, Math.min(inOrder.length - 1, at + step))];
    if (!next) return;
    onChoose(next.id);
    (body.current?.children[inOrder.indexOf(next)] as HTMLElement | undefined)?.focus();
  };
  return (
    <Scrolling>
      <table class="call-table figures">
        <thead>
          <tr>
            <th>Call</th>
            <th>Came from</th>
            <th>Model</th>
            <th class="number">Tokens</th>
            <th class="number">Price</th>
            <th class="number">Time</th>
            <th class="axis">
              {axis.ticks.map((tick) => (
                <span class={tick > 0.95 * axis.length ? "is-last" : ""} style={{ left: `${(100 * tick) / axis.length}%` }}>{tick === 0 ? "0 s" : tick}</span>
              ))}
            </th>
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {inOrder.map((call, at) => (
            <tr
              key={call.id}
              tabIndex={call.id === chosen || (chosen === null && at === 0) ? 0 : -1}
              aria-selected={call.id === chosen}
              class={call.id === chosen ? "is-chosen" : undefined}
              onClick={() => onChoose(call.id)}
              onKeyDown={(event) => event.key === "Enter" && onChoose(call.id)}
            >
              <th scope="row">
                <CallName call={call} />
              </th>
              <td>
                <CameFrom call={call} />
              </td>
              <td class="quiet-text">{call.model}</td>
              <td class="number quiet-text">{tokens(call)}</td>
              <td class="number">{price(call)}</td>
              <td class="number">{call.source !== "live" ? "0" : call.duration_s === null ? "" : seconds(call.duration_s)}</td>
              <td class="axis">
                <Bars bar={axis.bars.get(call.id)} isRecorded={call.source !== "live"} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="legend">
        <i class="bar-queue" /> in the queue <i class="bar-first" /> until the first word <i class="bar-answer" /> answering{" "}
        <i class="bar-record" /> from record
      </p>
    </Scrolling>
  );
}

const STATES: Readonly<Record<Call["state"], readonly [IconName, string]>> = {
  completed: ["done", "asked"],
  failed: ["fail", "failed"],
  interrupted: ["cut", "stopped"],
  running: ["run", "under way"],
  superseded: ["skip", "in vain"],
};

function CameFrom({ call }: { call: Call }) {
  const [icon, word] = call.source === "live" ? STATES[call.state] : (["record", "record"] as const);
  return (
    <span class={`came-from ${call.state === "failed" ? "fails" : ""}`} title={call.error ?? undefined}>
      <Icon name={icon} spins={icon === "run"} />
      {word}
    </span>
  );
}

function Bars({ bar, isRecorded }: { bar: Bar | undefined; isRecorded: boolean }) {
  if (!bar) return null;
  const at = (share: number) => `${(100 * share).toFixed(3)}%`;
  if (isRecorded) return <i class="bar-record" style={{ left: at(bar.start) }} />;
  return (
    <>
      <i class="bar-queue" style={{ left: at(bar.start), width: at(bar.queue) }} />
      <i class="bar-first" style={{ left: at(bar.start + bar.queue), width: at(bar.first) }} />
      <i class="bar-answer" style={{ left: at(bar.start + bar.queue + bar.first), width: at(bar.answering) }} />
    </>
  );
}
