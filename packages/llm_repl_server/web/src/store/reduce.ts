/** How events change what the page knows. Pure: the same state and event give the same state. */

import type { WireEvent } from "../wire/events.ts";
import type { ItemEnd } from "../wire/items.ts";
import type { NotebookKernel } from "../wire/kernel.ts";
import type { CallQueue } from "../wire/queue.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { Keyed } from "./keyed.ts";
import { withMore } from "./pieces.ts";
import {
  newActivity, NOTHING_CAME, withoutText, withText, type Activity, type Growing, type NotebookState,
} from "./state.ts";

/**
 * The state after an event.
 *
 * @param now The time of this machine's clock, in milliseconds.
 */
export function reduce(state: NotebookState, event: WireEvent, now: number): NotebookState {
  if (event.notebook_id !== state.id) return state;
  if (event.sequence <= state.sequence) return state; // it was there when the notebook was read
  return { ...withKernel(apply(state, event, now), event), sequence: event.sequence };
}

function apply(state: NotebookState, event: WireEvent, now: number): NotebookState {
  switch (event.event) {
    case "run_queued":
    case "run_started": {
      const run = {
        id: event.run_id, hasBegun: event.event === "run_started", since: now,
        cellIds: event.cell_ids, ended: 0, total: event.total, mode: event.mode,
      };
      const others = state.runs.filter((other) => other.id !== run.id);
      const runs = run.hasBegun ? [run, ...others] : [...others, run];
      const queued = event.cell_ids.filter((id) => state.cells.get(id)?.status !== "running");
      return withCells({ ...state, runs }, queued, { status: "queued" });
    }
    case "cell_execution_waiting":
      return { ...state, waits: state.waits.with(event.cell_id, event.needs) };
    case "cell_execution_removed":
      return withCells(state, [event.cell_id], { status: settled(state, event.cell_id) });
    case "cell_call_queued": {
      const { limit, provider, place, at_once, pause_s, item } = event;
      return withActivity(state, event.cell_id, (activity) => ({
        ...activity,
        queued: new Map(activity.queued).set(item ?? 0, { limit, provider, place, at_once, pause_s: pause_s ?? null }),
      }));
    }
    case "cell_call_sent":
      return withActivity(movedUp(state, event.cell_id, event.item ?? 0), event.cell_id, (activity) => {
        const queued = new Map(activity.queued);
        queued.delete(event.item ?? 0);
        return { ...activity, queued, sentAt: now };
      });
    case "cell_items_started": {
      const { total, excerpts } = event;
      return withActivity(state, event.cell_id, (activity) => ({
        ...activity,
        items: { total, ended: 0, failed: 0, excerpts, ends: Keyed.of(), again: Keyed.of() },
      }));
    }
    case "cell_item_ended": {
      const { item, ename, error, price_usd, is_asked, ended, failed, total } = event;
      return withActivity(state, event.cell_id, (activity) => {
        const { excerpts = [], ends = Keyed.of(), again = Keyed.of() } = activity.items ?? {};
        const end = { item, ename, error, price_usd, is_asked };
        const items = {
          total, ended, failed, excerpts,
          ends: (ends as Keyed<ItemEnd>).with(String(item), end), again: (again as Keyed<true>).without(String(item)),
        };
        return { ...activity, items };
      });
    }
    case "run_progress":
      return {
        ...state,
        runs: state.runs.map((run) => (run.id === event.run_id ? { ...run, ended: event.ended } : run)),
      };
    case "run_ended": {
      const runs = state.runs.filter((run) => run.id !== event.run_id);
      const waitsElsewhere = new Set(runs.flatMap((run) => run.cellIds));
      let { cells } = state;
      for (const id of state.runs.find((run) => run.id === event.run_id)?.cellIds ?? event.not_run) {
        const cell = cells.get(id);
        if (cell?.status === "queued" && !waitsElsewhere.has(id)) cells = cells.with(id, { ...cell, status: settled(state, id) });
      }
      return { ...state, runs, cells, waits: runs.length ? state.waits : Keyed.of() };
    }
    case "cell_execution_started":
      return withActivity(
        withGrowing(
          withCells({ ...state, ran: state.ran.with(event.cell_id, true) }, [event.cell_id], { status: "running", outputs: [], stale: false, stale_reasons: [] }),
          event.cell_id,
          () => NOTHING_CAME,
        ),
        event.cell_id,
        newActivity(now),
      );
    case "cell_execution_output":
      return withOutputs(state, event.cell_id, (outputs) => appended(outputs, event.index, event.output));
    case "cell_output_updated":
      return withOutputs(state, event.cell_id, (outputs) =>
        updated(outputs, event.index, event.output, event.lines),
      );
    case "cell_outputs_cleared":
      return withOutputs(state, event.cell_id, () => []);
    case "cell_execution_text": {
      const grown = withGrowing(state, event.cell_id, (growing) => withText(growing, event.item ?? 0, event.text));
      const activity = state.activities.get(event.cell_id);
      if (activity?.hasText && !activity.retry) return grown;
      const hasText = grown.growing.get(event.cell_id)!.words > 0;
      return withActivity(grown, event.cell_id, (before) => ({ ...before, retry: null, hasText }));
    }
    case "cell_execution_reasoning":
      return withGrowing(state, event.cell_id, (growing) => ({
        ...growing,
        reasoning: withMore(growing.reasoning, event.text),
      }));
    case "cell_execution_retried": {
      const left = withGrowing(state, event.cell_id, (growing) => withoutText(growing, event.item ?? 0));
      return withActivity(left, event.cell_id, (activity) => ({
        ...activity,
        hasText: left.growing.get(event.cell_id)!.words > 0,
        items: activity.items && { ...activity.items, again: activity.items.again.with(String(event.item ?? 0), true) },
        retry: {
          attempt: event.attempt, error: event.error, at: now + event.wait_s * 1000, attempts: event.attempts,
        },
      }));
    }
    case "tool_approval_needed":
      return withActivity(state, event.cell_id, (activity) => ({
        ...activity,
        approvals: [
          ...activity.approvals,
          { callId: event.call_id, name: event.name, arguments: event.arguments },
        ],
      }));
    case "cell_execution_completed":
    case "cell_execution_failed": {
      const { outputs, execution_count, status } = event;
      const fields = { outputs, execution_count, status, stale: false, stale_reasons: [] };
      return withoutActivity(withCells(state, [event.cell_id], fields), event.cell_id);
    }
    case "cells_stale":
    case "stale_reasons_changed": {
      let { cells } = state;
      for (const id of event.cell_ids) {
        const cell = cells.get(id);
        if (cell) cells = cells.with(id, { ...cell, stale: true, stale_reasons: event.reasons[id] ?? cell.stale_reasons });
      }
      return { ...state, cells };
    }
    case "outputs_cleared":
      return withCells(state, event.cell_ids, { outputs: [] });
    case "notebook_changed":
      return { ...state, name: event.name, metadata: event.metadata };
    case "notebook_deleted":
      return { ...state, deleted: true };
    case "notebook_file_state":
      return { ...state, file: event.file };
    case "cell_created":
      return {
        ...state,
        cells: state.cells.with(event.cell.id, event.cell),
        order: placed(state.order, event.cell.id, event.position),
      };
    case "cell_changed":
      if (!state.cells.has(event.cell.id)) return state;
      return { ...state, cells: state.cells.with(event.cell.id, event.cell) };
    case "cell_moved":
      return { ...state, order: placed(state.order, event.cell_id, event.position) };
    case "cell_deleted": {
      const cells = state.cells.without(event.cell_id);
      const order = state.order.filter((id) => id !== event.cell_id);
      return withoutActivity({ ...state, cells, order }, event.cell_id);
    }
    // What these say, others say as well; their numbers count.
    case "candidate_text":
    case "candidate_retried":
    case "candidate_ended":
    case "cell_call_superseded":
    case "notebook_execution_started":
    case "notebook_execution_completed":
    case "notebook_execution_failed":
    case "kernel_restarted":
    case "notebook_created":
    case "notebook_file_taken":
    case "resync":
      return state;
  }
}

/** What an event tells of the kernel. */
function withKernel(state: NotebookState, event: WireEvent): NotebookState {
  const word = kernelAfter(state, event);
  return word === state.kernel.state ? state : { ...state, kernel: { ...state.kernel, state: word } };
}

function kernelAfter(state: NotebookState, event: WireEvent): NotebookKernel["state"] {
  const now = state.kernel.state;
  switch (event.event) {
    case "cell_execution_started":
      return "busy";
    case "cell_execution_failed":
      return event.outputs.some((output) => output.ename === "KernelDied") ? "ended" : now;
    case "run_ended":
      return now === "busy" && !state.runs.length ? "idle" : now;
    case "kernel_restarted":
      return "idle";
    default:
      return now;
  }
}

/** The status of a cell that does not wait any more and has not run: as what it shows says. */
function settled(state: NotebookState, id: string): Cell["status"] {
  const outputs = state.cells.get(id)?.outputs ?? [];
  const error = outputs.find((output) => output.type === "error");
  if (error) return error.ename === "Interrupted" ? "interrupted" : "error";
  return outputs.length || state.cells.get(id)?.execution_count != null ? "completed" : "idle";
}

function withCells(
  state: NotebookState,
  ids: readonly string[],
  fields: Partial<Cell>,
): NotebookState {
  let { cells } = state;
  for (const id of ids) {
    const cell = cells.get(id);
    if (cell) cells = cells.with(id, { ...cell, ...fields });
  }
  return { ...state, cells };
}

/** One call is sent: those that wait for the same behind it are one place further. */
function movedUp(state: NotebookState, id: string, item: number): NotebookState {
  const sent = state.activities.get(id)?.queued.get(item);
  if (!sent) return state;
  const isBehind = ({ limit, provider, place }: CallQueue) =>
    limit === sent.limit && provider === sent.provider && place > sent.place;
  let { activities } = state;
  for (const [other, activity] of state.activities.entries()) {
    if (![...activity.queued.values()].some(isBehind)) continue;
    const queued = new Map(
      [...activity.queued].map(([at, queue]) => [at, isBehind(queue) ? { ...queue, place: queue.place - 1 } : queue]),
    );
    activities = activities.with(other, { ...activity, queued });
  }
  return { ...state, activities };
}

function withOutputs(
  state: NotebookState,
  id: string,
  change: (outputs: readonly Output[]) => readonly Output[],
): NotebookState {
  const cell = state.cells.get(id);
  return cell ? withCells(state, [id], { outputs: change(cell.outputs) }) : state;
}

function withActivity(
  state: NotebookState,
  id: string,
  change: Activity | ((activity: Activity) => Activity),
): NotebookState {
  const before = state.activities.get(id) ?? newActivity(0);
  const after = typeof change === "function" ? change(before) : change;
  return { ...state, activities: state.activities.with(id, after) };
}

function withGrowing(state: NotebookState, id: string, change: (growing: Growing) => Growing): NotebookState {
  return { ...state, growing: state.growing.with(id, change(state.growing.get(id) ?? NOTHING_CAME)) };
}

/** The state after somebody has decided whether a tool may be called, which no event tells. */
export function withoutApproval(
  state: NotebookState, id: string, callId: string, wholeRun = false,
): NotebookState {
  const decided = state.activities.get(id)?.approvals.find((asked) => asked.callId === callId);
  if (!decided) return state;
  return withActivity(state, id, (activity) => ({
    ...activity,
    approvals: activity.approvals.filter((asked) => (wholeRun ? asked.name !== decided.name : asked !== decided)),
  }));
}

function withoutActivity(state: NotebookState, id: string): NotebookState {
  return { ...state, activities: state.activities.without(id), growing: state.growing.without(id) };
}

function placed(order: readonly string[], id: string, position: number): readonly string[] {
  const others = order.filter((other) => other !== id);
  return [...others.slice(0, position), id, ...others.slice(position)];
}

const isStream = (output: Output) => output.type === "stdout" || output.type === "stderr";

function appended(outputs: readonly Output[], index: number, output: Output): readonly Output[] {
  const before = outputs[index];
  const next = [...outputs];
  next[index] =
    before && isStream(before) && before.type === output.type
      ? { ...before, content: before.content + output.content }
      : output;
  // An index beyond the end means that an event was missed; the ending of the cell has them all.
  return next.filter((one) => one !== undefined);
}

function updated(
  outputs: readonly Output[],
  index: number,
  output: Output,
  lines: number | null,
): readonly Output[] {
  const before = outputs[index];
  const next = [...outputs];
  if (before && lines !== null) {
    next[index] = { ...before, content: withoutLastLines(before.content, lines) + output.content };
  } else {
    next[index] = output;
  }
  return next;
}

function withoutLastLines(text: string, lines: number): string {
  let end = text.length + 1;
  for (let left = lines; left > 0; left--) end = end < 2 ? 0 : text.lastIndexOf("\n", end - 2) + 1;
  return lines > 0 ? text.slice(0, end) : "";
}
