/** The state of a cell in the words of the page: a shape, a word, a reason, and the way out. Pure. */

import type { IconName } from "../ui/icon.tsx";
import { bound, count, plural, seconds, words } from "../ui/format.ts";
import type { CellNeed } from "../wire/queue.ts";
import type { Cell } from "../wire/shapes.ts";
import { needsSentence, queueSentence, staleSentence, withCode, type Part } from "./reasons.ts";
import type { Activity } from "./state.ts";

export type Tone = "plain" | "acts" | "warns" | "fails";

/** What a person can do about a state. */
export type WayOut =
  | "run" | "runAgain" | "runStale" | "remove" | "stop" | "follow" | "compare" | "settings" | "raise" | "skip"
  | "choose";

export interface Status {
  readonly icon: IconName;
  /** Empty for what is the normal case. */
  readonly word: string;
  /** What the icon says, where there is no word. */
  readonly name: string;
  readonly reason: readonly Part[];
  /** Further reasons, which the title has. */
  readonly more: readonly (readonly Part[])[];
  readonly ways: readonly WayOut[];
  readonly tone: Tone;
  readonly spins: boolean;
}

/** What decides the state of a cell beside the cell itself. */
export interface Around {
  /** How many words of its answers have come. */
  readonly words?: number;
  /** The time, in milliseconds. */
  readonly now: number;
  /** Its place among all that wait; undefined: it does not. */
  readonly place?: number | undefined;
  /** What it waits for. */
  readonly needs?: readonly CellNeed[];
  /** Whether the server can be heard. */
  readonly isConnected?: boolean;
  /** Whether it was edited here and cannot be sent. */
  readonly isKeptHere?: boolean;
  /** Whether it was changed elsewhere as well. */
  readonly isInConflict?: boolean;
  /** Whether the conflict is that of a merge. */
  readonly hasBothTexts?: boolean;
  /** Whether what it shows came of a run elsewhere. */
  readonly isFromFile?: boolean;
}

const make = (icon: IconName, word: string, tone: Tone, more: Partial<Status> = {}): Status => ({
  icon, word, name: word || "Done", tone, reason: [], more: [], ways: [], spins: false, ...more,
});

/** The state of a cell; null: it has none, as Markdown. */
export function statusOf(cell: Cell, activity: Activity | undefined, around: Around): Status | null {
  if (around.isInConflict) {
    return make("conflict", "Conflict", "warns", { reason: [around.hasBothTexts ? "it has both texts" : "changed in another window"], ways: ["choose"] });
  }
  if (around.isKeptHere) {
    return make("kept", "Kept here", "warns", { reason: ["not connected; is sent when the server is back"] });
  }
  if (cell.type === "MarkdownCell" && cell.status !== "error") return null;
  switch (cell.status) {
    case "queued":
      return waiting(around);
    case "running":
      return around.isConnected === false ? wasRunning(around) : running(cell, activity, around);
    case "error":
      return failed(cell);
    case "interrupted":
      return make("cut", "Stopped by you", "warns", { reason: stoppedAfter(cell), ways: ["runAgain"] });
    case "idle":
      return cell.stale ? stale(cell) : make("idle", "Not run yet", "plain", { ways: ["run"] });
    case "completed":
      if (cell.stale) return stale(cell);
      if (around.isFromFile) return make("idle", "", "plain", { name: "Not run here yet" });
      if (!cell.for_each && answers(cell).some((output) => output.edited)) return make("pencil", "Edited by you", "plain");
      return answers(cell).some((output) => output.source && output.source !== "live")
        ? make("record", "", "plain")
        : make("done", "", "plain");
  }
}

/** What ran when the connection was lost. */
function wasRunning({ words: said }: Around): Status {
  if (!said) return make("run", "Was running", "plain", { reason: ["it goes on at the server"] });
  return make("stream", `Was answering: ${plural(said, "word")} came`, "plain", {
    reason: ["the answer goes on at the server"],
  });
}

function waiting({ place, needs }: Around): Status {
  if (needs?.length) return make("wait", "Waiting", "plain", { reason: needsSentence(needs), ways: ["remove"] });
  return make("queued", "Queued", "plain", { reason: place ? [`place ${place}`] : [], ways: ["remove"] });
}

function stale(cell: Cell): Status {
  const [first, ...others] = cell.stale_reasons.map(staleSentence);
  const ways: WayOut[] = cell.type === "PromptCell" && cell.outputs.length ? ["compare", "runStale"] : ["runStale"];
  return make("stale", "Stale", "warns", { reason: first ?? ["what it needs has changed"], more: others, ways });
}

function running(cell: Cell, activity: Activity | undefined, { now, words: said }: Around): Status {
  const since = activity?.since ?? 0;
  const took = since ? seconds(Math.max(0, now - since) / 1000) : "";
  const approvals = activity?.approvals ?? [];
  const [asked] = approvals;
  if (asked) {
    const reason: Part[] = ["call ", { code: `${asked.name}(${callArguments(asked.arguments)})` }, "?"];
    return make("hand", "Needs you", "acts", { reason });
  }
  if (activity?.items?.total) {
    const { ended, total, failed } = activity.items;
    const reason = `${count(ended - failed)} of ${count(total)}${failed ? `, ${count(failed)} failed` : ""}`;
    return make("stream", "Answering", "acts", { reason: [reason], ways: ["stop"] });
  }
  const isPrompt = cell.type === "PromptCell";
  if (!isPrompt) return make("run", "Running", "acts", { reason: [took], ways: ["stop"], spins: true });
  if (activity?.retry) {
    const { at, attempt, attempts, error } = activity.retry;
    const left = Math.max(0, Math.ceil((at - now) / 1000));
    const which = attempts ? `, ${attempt + 1} of ${attempts}` : "";
    return make("stream", "Answering", "acts", {
      reason: [left ? `tries again in ${left} s${which}` : `tries again${which}`], more: [[error]], ways: ["stop"],
    });
  }
  if (said) {
    return make("stream", "Answering", "acts", {
      reason: [`${plural(said, "word")}, ${took}`], ways: ["follow", "stop"],
    });
  }
  const [queued] = activity?.queued.values() ?? [];
  if (queued && !cell.for_each) {
    return make("queued", "Queued", "plain", { reason: queueSentence(queued), ways: ["stop"] });
  }
  const thinking = activity ? Math.floor(Math.max(0, now - activity.sentAt) / 1000) : 0;
  return make("stream", "Answering", "acts", {
    reason: [thinking && since ? `thinks, ${count(thinking)} s` : "thinks"], ways: ["stop"],
  });
}

function callArguments(json: string): string {
  try {
    const given = JSON.parse(json) as Record<string, unknown>;
    const values = Object.values(given).map((value) => JSON.stringify(value)).join(", ");
    return values.length > 80 ? `${values.slice(0, 79)}…` : values;
  } catch {
    return json.slice(0, 80);
  }
}

const OF_SETTINGS: readonly string[] = ["KeyMissing", "KeyRejected", "ProviderNotFound", "ModelNotFound"];
const NOT_SENT: readonly string[] = ["BudgetExceeded", "PriceUnknown"];

function failed(cell: Cell): Status {
  const error = cell.outputs.findLast((output) => output.type === "error");
  const sentence = (error?.content ?? "").split("\n")[0] ?? "";
  if (error?.ename && NOT_SENT.includes(error.ename)) {
    return make("coins", "Not sent", "warns", {
      reason: [budgetSentence(sentence)], more: [[sentence]], ways: ["raise", "skip"],
    });
  }
  const ways: WayOut[] = OF_SETTINGS.includes(error?.ename ?? "") || /\b401\b/.test(sentence) ? ["settings"] : [];
  if (cell.type !== "PromptCell" || (error?.traceback?.length ?? 0) > 1) {
    return make("fail", "Failed", "fails", { reason: [sentence], ways });
  }
  // A provider's error: its sentence says all, and its class is for programs.
  const said = sentence.replace(/^\w+: /, "");
  if (!cell.for_each) ways.push("runAgain");
  return make("fail", "Failed", "fails", { reason: withCode(said), ways });
}

/** Of the server's sentence about a budget in dollars the two sums that matter. */
function budgetSentence(sentence: string): string {
  const found = /budget of \$([\d.]+).*?: \$([\d.]+) spent, \$([\d.]+) reserved.*may take \$([\d.]+)/.exec(sentence);
  if (!found) return sentence.replace(/^\w+: /, "");
  const [limit = 0, spent = 0, reserved = 0, more = 0] = found.slice(1).map(Number);
  const left = Math.max(0, limit - spent - reserved);
  return `may take ${bound(more)}, the budget has ${left ? `$${left.toFixed(left < 0.1 ? 3 : 2)}` : "nothing"} left`;
}

/** Whether the error of a cell is told by its state, and so need not be shown as an output. */
export function isToldByState(ename: string | undefined): boolean {
  return ename === "Interrupted" || NOT_SENT.includes(ename ?? "");
}

function stoppedAfter(cell: Cell): readonly Part[] {
  const said = answers(cell).reduce((sum, output) => sum + words(output.content), 0);
  return said ? [`after ${plural(said, "word")}, which are kept`] : [];
}

export function answers(cell: Cell) {
  return cell.outputs.filter((output) => output.type === "llm_response");
}
