/** The state of a cell in the words of the page: a shape, a word, a reason. Pure. */

import type { IconName } from "../ui/icon.tsx";
import { count, seconds, words } from "../ui/format.ts";
import type { Cell } from "../wire/shapes.ts";
import type { Activity } from "./state.ts";

export type Tone = "plain" | "acts" | "warns" | "fails";

export interface Status {
  readonly icon: IconName;
  /** Empty for what is the normal case. */
  readonly word: string;
  readonly reason: string;
  readonly tone: Tone;
  readonly spins: boolean;
}

const status = (icon: IconName, word: string, reason: string, tone: Tone, spins = false): Status => ({
  icon, word, reason, tone, spins,
});

/** The state of a cell; null: it has none, as Markdown. */
export function statusOf(cell: Cell, activity: Activity | undefined, now: number): Status | null {
  if (cell.type === "MarkdownCell" && cell.status !== "error") return null;
  switch (cell.status) {
    case "queued":
      return status("queued", "Queued", "", "plain");
    case "running":
      return running(cell, activity, now);
    case "error":
      return status("fail", "Failed", failureOf(cell), "fails");
    case "interrupted":
      return status("cut", "Stopped by you", stoppedAfter(cell), "warns");
    case "idle":
      return status("idle", "Not run yet", "", "plain");
    case "completed":
      if (cell.stale) return status("stale", "Stale", "something it depends on has changed", "warns");
      return answers(cell).some((output) => output.source && output.source !== "live")
        ? status("record", "", "", "plain")
        : status("done", "", "", "plain");
  }
}

function running(cell: Cell, activity: Activity | undefined, now: number): Status {
  const took = activity?.since ? seconds((now - activity.since) / 1000) : "";
  if (activity?.approvals.length) {
    const [{ name, arguments: given } = { name: "", arguments: "" }] = activity.approvals;
    return status("hand", "Needs you", `call ${name}(${given})?`, "acts");
  }
  if (activity?.retry) {
    const { waitS, error } = activity.retry;
    return status("run", "Running", `tries again in ${seconds(waitS)}: ${error}`, "acts", true);
  }
  const said = activity?.texts.reduce((sum, text) => sum + words(text), 0) ?? 0;
  if (said) return status("stream", "Answering", `${count(said)} words, ${took}`, "acts");
  if (cell.type === "PromptCell") return status("run", "Running", `no word yet, ${took}`, "acts", true);
  return status("run", "Running", took, "acts", true);
}

function failureOf(cell: Cell): string {
  const error = cell.outputs.findLast((output) => output.type === "error");
  return (error?.content ?? "").split("\n")[0] ?? "";
}

function stoppedAfter(cell: Cell): string {
  const said = answers(cell).reduce((sum, output) => sum + words(output.content), 0);
  return said ? `after ${count(said)} words, which are kept` : "";
}

export function answers(cell: Cell) {
  return cell.outputs.filter((output) => output.type === "llm_response");
}
