/** Prompts that several models are asked side by side, and what comes of it. */

import { signal } from "@preact/signals";
import { toast } from "../ui/toasts.tsx";
import { answersApi } from "../wire/answers.ts";
import { askApi, type AskedAnswer, type Comparison } from "../wire/ask.ts";
import type { WireEvent } from "../wire/events.ts";
import { RestError } from "../wire/rest.ts";
import { withCandidate, type AskedColumn } from "./asked-columns.ts";

/** Whether other models are asked, or the same one again. */
export type AskWay = "models" | "times";

interface Compared {
  readonly cellId: string;
  readonly item: number | null;
  readonly way: AskWay;
}

/** The prompt whose answers take the document's place; null: the document has it. */
export const compared = signal<Compared | null>(null);
/** By cell and item: what was asked side by side, while the page is open. */
export const asked = signal<ReadonlyMap<string, readonly AskedColumn[]>>(new Map());
/** By call: what it cost. */
export const askedPrices = signal<ReadonlyMap<string, number | null>>(new Map());

export const askedKey = (cellId: string, item: number | null) => `${cellId} ${item ?? ""}`;

export function openSeveral(cellId: string, item: number | null, way: AskWay = "models"): void {
  compared.value = { cellId, item, way };
}

/** Hear what comes of those that are asked. */
export function hearAsked(notebookId: string, events: readonly WireEvent[]): void {
  for (const event of events) {
    if (event.event !== "candidate_text" && event.event !== "candidate_retried" && event.event !== "candidate_ended") {
      continue;
    }
    const { item } = event;
    const key = askedKey(event.cell_id, item);
    const columns = asked.peek().get(key);
    if (!columns) continue;
    asked.value = new Map(asked.peek()).set(key, withCandidate(columns, event));
    if (event.event === "candidate_ended") void readEnded(notebookId, event.cell_id, item, event.run_id);
  }
}

/** What has ended, in full: the events have the text alone. */
async function readEnded(notebookId: string, cellId: string, item: number | null, comparison: string): Promise<void> {
  try {
    take(await askApi.show(notebookId, cellId, comparison));
    const page = await answersApi.list(notebookId, cellId, item);
    const prices = new Map(askedPrices.peek());
    for (const version of page.answers) prices.set(version.id, version.price_usd);
    askedPrices.value = prices;
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
}

function take({ id, cell_id, item, answers }: Comparison): void {
  const key = askedKey(cell_id, item);
  const before = asked.peek().get(key) ?? [];
  const of = (answer: AskedAnswer) =>
    before.find((column) => column.comparison === id && column.candidate === answer.candidate);
  const now = answers.map((answer) => {
    const known = of(answer);
    // While it grows, what the events have told may be ahead of what was read.
    const text = answer.state === "running" && known && known.text.length > answer.text.length ? known.text : answer.text;
    return { ...answer, text, comparison: id, since: known?.since ?? Date.now() };
  });
  asked.value = new Map(asked.peek()).set(key, [...before.filter((column) => column.comparison !== id), ...now]);
}

export async function askModels(
  notebookId: string, cellId: string, item: number | null, models: readonly { model?: string }[], times = 1,
): Promise<void> {
  const id = crypto.randomUUID();
  const key = askedKey(cellId, item);
  const before = asked.peek().get(key) ?? [];
  const names = Array.from({ length: times }, () => models).flat();
  // There before the first word: its events may come before the answer to the request.
  const waiting = names.map(({ model = null }, candidate): AskedColumn => ({
    comparison: id, candidate, model, state: "running", text: "", call_id: null, provider: null, answered_by: null,
    duration_s: null, output_tokens: null, finish_reason: null, error: null, since: Date.now(),
  }));
  asked.value = new Map(asked.peek()).set(key, [...before, ...waiting]);
  try {
    take(await askApi.ask(notebookId, cellId, models, times, item, id));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    const left = (asked.peek().get(key) ?? []).filter((column) => column.comparison !== id);
    asked.value = new Map(asked.peek()).set(key, left);
    toast(error.message);
  }
}

export async function stopAsked(notebookId: string, cellId: string, column: AskedColumn): Promise<void> {
  try {
    take(await askApi.stop(notebookId, cellId, column.comparison, column.candidate));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    toast(error.message);
  }
}
