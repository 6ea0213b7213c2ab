/** What is asked at once while a run goes on, what waits, and how far it is. */

import { useMemo } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { useChoices } from "../store/choices.ts";
import { focusCell } from "../store/focus.ts";
import { useGraph } from "../store/graph.ts";
import { statusOf } from "../store/status.ts";
import { wavesOf } from "../store/waves.ts";
import { plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { Mode } from "../wire/shapes.ts";

const MOST_CELLS = 8;
const MODES: Readonly<Record<Mode, string>> = {
  live: "Live: asks every prompt again",
  reuse: "Reuse: asks what is not on record",
  replay: "Replay: asks nobody",
};

export function WaveStrip() {
  const notebook = useNotebook();
  const { mode } = useChoices(notebook);
  const order = notebook.order.value;
  const run = notebook.runs.value.find((one) => one.hasBegun && one.total > 1);
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
      <i class="waves-progress" style={{ width: `${(100 * run.ended) / Math.max(1, run.total)}%` }} />
      {waves.map((wave, at) => (
        <div class="wave" key={at}>
          <h3>Wave {at + 1}</h3>
          {wave.slice(0, MOST_CELLS).map((id) => (
            <InWave key={id} id={id} />
          ))}
          {wave.length > MOST_CELLS && <span>{`and ${wave.length - MOST_CELLS} more`}</span>}
        </div>
      ))}
      <span class="push">{MODES[mode]}</span>
    </nav>
  );
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
  const items = cell.for_each == null ? 0 : (view.growing.value?.length ?? 0);
  const isLive = cell.status === "running";
  return (
    <button class={isLive ? "in-wave acts" : "in-wave"} title={`Go to cell ${number}`} onClick={() => focusCell(id)}>
      {status && <Icon name={status.icon} spins={status.spins} />}
      <span class="figures">
        {`${number} ${name}`.trim()}
        {shortly(status?.icon, isLive, view.place.value, items, cell.for_each != null)}
      </span>
    </button>
  );
}

function shortly(icon: string | undefined, isLive: boolean, place: number | undefined, items: number, isEach: boolean): string {
  if (isLive && isEach && items) return `, ${plural(items, "item")}`;
  if (isLive) return icon === "hand" ? ", needs you" : icon === "queued" ? ", queued" : ", answering";
  return icon === "queued" && place ? `, place ${place}` : "";
}
