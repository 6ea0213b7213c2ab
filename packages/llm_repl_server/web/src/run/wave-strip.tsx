/** What is asked at once while a run goes on, what waits, and how far it is. */

import { useMemo } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { useChoices } from "../store/choices.ts";
import { focusCell } from "../store/focus.ts";
import { useGraph } from "../store/graph.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import type { Activity, Run } from "../store/state.ts";
import { answers, statusOf } from "../store/status.ts";
import { wavesOf } from "../store/waves.ts";
import { failedItems } from "../cells/answer-shape.ts";
import { count } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { Mode } from "../wire/mode.ts";
import type { Cell } from "../wire/shapes.ts";
import { useProgress } from "./run-facts.tsx";

const MOST_CELLS = 8;
const MODES: Readonly<Record<Mode, string>> = {
  live: "Live: asks every prompt again",
  reuse: "Reuse: asks what is not on record",
  replay: "Replay: asks nobody",
};

export function WaveStrip() {
  const notebook = useNotebook();
  const order = notebook.order.value;
  const run = notebook.runs.value.find((one) => one.hasBegun && hasStrip(notebook, one));
  const { mode: own } = useChoices(notebook);
  const { graph } = useGraph(notebook, run !== undefined);
  const edges = graph.value?.edges;
  const waves = useMemo(() => {
    if (!run || !edges) return [];
    const inRun = new Set(run.cellIds);
    return wavesOf(
      order.filter((id) => inRun.has(id)),
      (id) => notebook.view(id).cell.peek()?.type === "PromptCell",
      edges.filter(({ source, target }) => inRun.has(source) && inRun.has(target)),
    );
  }, [run?.cellIds, order, edges]);
  if (!run || !waves.length) return null;
  return (
    <nav class="waves" aria-label="What this run asks">
      <ProgressLine />
      {waves.map((wave, at) => (
        <div class="wave" key={at}>
          <h3>Wave {at + 1}</h3>
          {wave.slice(0, MOST_CELLS).map((id) => (
            <InWave key={id} id={id} />
          ))}
          {wave.length > MOST_CELLS && <span>{`and ${wave.length - MOST_CELLS} more`}</span>}
        </div>
      ))}
      <span class="push">{MODES[run.mode ?? own]}</span>
    </nav>
  );
}

/** Whether a run asks enough to have its waves shown. */
export function hasStrip(notebook: OpenNotebook, run: Run): boolean {
  return run.total > 1 || run.cellIds.some((id) => Boolean(notebook.view(id).cell.value?.for_each));
}

function ProgressLine() {
  const { ended, total } = useProgress();
  return <i class="waves-progress" style={{ width: `${(100 * ended) / Math.max(1, total)}%` }} />;
}

function InWave({ id }: { id: string }) {
  const notebook = useNotebook();
  const view = notebook.view(id);
  const cell = view.cell.value;
  const activity = view.activity.value;
  if (!cell) return null;
  const status = statusOf(cell, activity, { now: Date.now(), words: activity?.hasText ? 1 : 0, place: view.place.value, needs: view.needs.value });
  const number = view.index.value + 1;
  const name = cell.response_var ?? "";
  const isLive = cell.status === "running";
  const [call] = activity?.queued.values() ?? [];
  const callPlace = call?.place;
  return (
    <button class={status?.tone === "acts" ? "in-wave acts" : "in-wave"} title={`Go to cell ${number}`} onClick={() => focusCell(id)}>
      {status && <Icon name={status.icon} spins={status.spins} />}
      <span class="figures">
        {`${number} ${name}`.trim()}
        {shortly(status?.icon, isLive, view.place.value ?? callPlace, cell.for_each ? itemsText(cell, activity) : "")}
      </span>
    </button>
  );
}

/** ", 4 of 9": how many items have their answers. */
function itemsText(cell: Cell, activity: Activity | undefined): string {
  if (activity) return activity.items ? `, ${count(activity.items.ended - activity.items.failed)} of ${count(activity.items.total)}` : "";
  if (cell.status !== "completed" && cell.status !== "error") return "";
  const given = answers(cell).filter((output) => !output.failed).length;
  const failed = failedItems(cell).length;
  return given ? `, ${count(given)} of ${count(given + failed)}` : "";
}

function shortly(icon: string | undefined, isLive: boolean, place: number | undefined, items: string): string {
  if (items && icon !== "hand") return items;
  if (icon === "queued") return place ? `, place ${place}` : isLive ? ", queued" : "";
  if (isLive) return icon === "hand" ? ", needs you" : ", answering";
  return "";
}
