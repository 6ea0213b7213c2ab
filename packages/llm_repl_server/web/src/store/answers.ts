/** The answers of a notebook's prompts: which are in use, and what a person does with them. */

import { effect, signal } from "@preact/signals";
import { toast } from "../ui/toasts.tsx";
import { answersApi, type AnswerCall } from "../wire/answers.ts";
import { RestError } from "../wire/rest.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { provide } from "./actions.ts";
import { asked, compared, openSeveral } from "./asked.ts";
import { focused } from "./focus.ts";
import type { OpenNotebook } from "./notebook.ts";
import { openInspector } from "./inspector.ts";
import { answers } from "./status.ts";

export interface InUse {
  readonly total: number;
  readonly number: number | null;
}

/** By cell: how many answers it has, and which is in use. */
export const inUse = signal<ReadonlyMap<string, InUse>>(new Map());
/** By call: when it was made, and what it took. */
export const answerCalls = signal<ReadonlyMap<string, AnswerCall>>(new Map());

/** An answer that is being edited: of a cell, or of one of its items. */
export interface EditedAnswer {
  readonly cellId: string;
  readonly item: number | null;
}

export const editedAnswer = signal<EditedAnswer | null>(null);

/** Which answer the inspector compares with the one in use; null: the newest other one. */
export const lookedAnswer = signal<{ readonly cellId: string; readonly id: string } | null>(null);

/** Which item's answers the inspector shows, of a prompt over items. */
export const shownItem = signal(0);

/** What was typed into an answer and not saved, by cell and item: Esc discards nothing. */
const drafts = new Map<string, string>();
const draftKey = ({ cellId, item }: EditedAnswer) => `${cellId} ${item ?? ""}`;

export const draftOf = (answer: EditedAnswer): string | undefined => drafts.get(draftKey(answer));
export const keepDraft = (answer: EditedAnswer, text: string): void => void drafts.set(draftKey(answer), text);
export const dropDraft = (answer: EditedAnswer): void => void drafts.delete(draftKey(answer));

const AFTER_CHANGE_MS = 150;

/** Keep what is known of the answers up to date while a notebook is open; gives what ends it. */
export function watchAnswers(notebook: OpenNotebook): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let read = "";
  const stop = effect(() => {
    if (notebook.presence.value === "loading") return;
    const shown = shownAnswers(notebook.whole.value?.cells.values() ?? []);
    if (shown === read) return;
    read = shown;
    clearTimeout(timer);
    timer = setTimeout(() => void readInUse(notebook), AFTER_CHANGE_MS);
  });
  const provided = [
    provide("answerBefore", () => ofFocused((cell) => void stepAnswer(notebook, cell.id, -1))),
    provide("answerAfter", () => ofFocused((cell) => void stepAnswer(notebook, cell.id, 1))),
    provide("askSeveral", () => ofFocused((cell) => openSeveral(cell.id, cell.for_each ? shownItem.peek() : null))),
    provide("editAnswer", () => ofFocused((cell) => !cell.for_each && editAnswer(cell))),
  ];
  const ofFocused = (act: (cell: Cell) => void) => {
    const cell = notebook.view(focused.peek() ?? "").cell.peek();
    if (cell?.type === "PromptCell") act(cell);
  };
  return () => {
    provided.forEach((end) => end());
    stop();
    clearTimeout(timer);
    inUse.value = new Map();
    answerCalls.value = new Map();
    editedAnswer.value = null;
    compared.value = null;
    asked.value = new Map();
  };
}

/** What the prompts that are at rest show, as one text. */
export function shownAnswers(cells: Iterable<Cell>): string {
  const ids: string[] = [];
  for (const cell of cells) {
    if (cell.type !== "PromptCell" || cell.status === "running") continue;
    for (const output of answers(cell)) ids.push(`${cell.id} ${output.call_id ?? ""} ${output.edited?.id ?? ""}`);
  }
  return ids.join("\n");
}

async function readInUse(notebook: OpenNotebook): Promise<void> {
  try {
    const found = await answersApi.inUse(notebook.id);
    inUse.value = new Map(found.cells.map((cell) => [cell.cell_id, cell]));
    answerCalls.value = new Map(found.calls.map((call) => [call.id, call]));
  } catch (error) {
    if (!(error instanceof RestError)) throw error; // it is read again with the next change
  }
}

export async function useAnswer(
  notebook: OpenNotebook, cellId: string, answerId: string, item: number | null, version: string | null = null,
): Promise<void> {
  await attempt(async () => {
    notebook.take(await answersApi.use(notebook.id, cellId, answerId, item, version));
  });
}

/** Save what was written; whether it was taken. */
export async function saveAnswer(
  notebook: OpenNotebook, answer: EditedAnswer, written: { content: string } | { value: unknown },
): Promise<boolean> {
  return attempt(async () => {
    notebook.take(await answersApi.edit(notebook.id, answer.cellId, written, answer.item, null));
    dropDraft(answer);
    if (editedAnswer.peek()?.cellId === answer.cellId) editedAnswer.value = null;
  });
}

/** Take the answer before or after the one in use. */
export async function stepAnswer(notebook: OpenNotebook, cellId: string, step: -1 | 1): Promise<void> {
  const now = inUse.peek().get(cellId);
  if (!now?.number || now.number + step < 1 || now.number + step > now.total) return;
  await attempt(async () => {
    const number = now.number! + step;
    const page = await answersApi.list(notebook.id, cellId, null, number + 1);
    const wanted = page.answers.find((version) => version.number === number);
    if (!wanted) return;
    notebook.take(await answersApi.use(notebook.id, cellId, wanted.id, null, page.version));
    inUse.value = new Map(inUse.peek()).set(cellId, { ...now, number });
  });
}

/** The answer that the model gave, in the place of the one that was written. */
export async function takeOriginal(notebook: OpenNotebook, cellId: string, output: Output): Promise<void> {
  await useAnswer(notebook, cellId, output.call_id ?? "notebook", output.item ?? null);
}

export function editAnswer(cell: Cell, item: number | null = null): void {
  if (cell.status === "running" || cell.status === "queued") {
    toast("The cell runs: its answer can be edited when it has ended.");
  } else if (answers(cell).length || item !== null) {
    editedAnswer.value = { cellId: cell.id, item };
  }
}

export function showAnswers(item: number | null): void {
  if (item !== null) shownItem.value = item;
  openInspector("answers");
}

async function attempt(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    toast(error.message);
    return false;
  }
}
