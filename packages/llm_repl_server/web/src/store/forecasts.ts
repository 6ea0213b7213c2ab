/** What is known before anything is sent: of the prompt in focus, and of a run of all. */

import { computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { RestError } from "../wire/rest.ts";
import { planning, type DraftField, type DraftPreview, type DraftRequest, type RunForecast } from "../wire/plan.ts";
import type { Cell } from "../wire/shapes.ts";
import { choicesOf } from "./choices.ts";
import { heldByMerge } from "./conflicts.ts";
import { editedCells } from "./edits.ts";
import { focused } from "./focus.ts";
import type { OpenNotebook } from "./notebook.ts";
import type { NotebookState } from "./state.ts";
import { connection } from "./server.ts";

const AFTER_TYPING_MS = 300;
const AFTER_CHANGE_MS = 600;
const PLAN_LIMIT_MS = 8000;

/** What the prompt in focus would send, from its unsaved text. */
export interface Draft {
  readonly cellId: string;
  readonly value: DraftPreview | null;
  readonly error: string | null;
  /** Whether a newer one is on its way. */
  readonly isOld: boolean;
}

export const draft = signal<Draft | null>(null);

/** What running all would do; null: not known. */
export const plan = signal<{ readonly value: RunForecast; readonly isOld: boolean } | null>(null);

/** Prompts whose text was typed here, or that ran here: what they call is no surprise. */
const own = signal<ReadonlySet<string>>(new Set());

export function noteOwn(cellId: string): void {
  if (!own.peek().has(cellId)) own.value = new Set(own.peek()).add(cellId);
}

// The draft changes with every key, and nearly always of the same cell: the others need not look.
const draftCell = computed(() => draft.value?.cellId ?? null);

export function draftOf(cellId: string): Draft | null {
  return draftCell.value === cellId ? draft.value : null;
}

/** The fields of a cell that are known, unknown or stale. */
export function fieldsOf(cellId: string): readonly DraftField[] {
  return draftOf(cellId)?.value?.fields ?? [];
}

/** The fields of a prompt, as they are now, for a preview. */
export function draftRequest(cell: Cell): DraftRequest {
  const {
    content, model = null, provider = null, temperature = null, response_var = null, system = null,
    context = "isolated", schema = null, tools = [], for_each = null, attachments = [], parameters = {},
    reasoning_effort = null,
  } = cell;
  return {
    content, model, provider, temperature, response_var, system, context, schema, tools, for_each,
    attachments, parameters, reasoning_effort, fill_calls: own.value.has(cell.id),
  };
}

/** Keep both current while a notebook is open; gives what ends it. */
export function watchForecasts(notebook: OpenNotebook): () => void {
  const digest = computed(() => digestOf(notebook.whole.value));
  const endDraft = watchDraft(notebook, digest);
  const endPlan = watchPlan(notebook, digest);
  return () => {
    endDraft();
    endPlan();
    draft.value = null;
    plan.value = null;
    own.value = new Set();
  };
}

function watchDraft(notebook: OpenNotebook, digest: ReadonlySignal<string>): () => void {
  const reader = new Reader();
  let before = { id: "", text: "", cells: "" };
  const stop = effect(() => {
    const id = focused.value;
    const cell = id ? notebook.view(id).cell.value : undefined;
    if (!id || cell?.type !== "PromptCell") {
      reader.cancel();
      if (untracked(() => draft.value)) draft.value = null;
      before = { id: "", text: "", cells: "" };
      return;
    }
    if (cell.status === "running") noteOwn(id);
    const body = draftRequest(cell);
    const text = JSON.stringify([body, choicesOf(notebook), connection.value]);
    const cells = digest.value;
    if (before.id === id && before.text === text && before.cells === cells) return;
    const isOther = before.id !== id;
    before = { id, text, cells };
    const shown = untracked(() => draft.value);
    draft.value =
      isOther || shown?.cellId !== id
        ? { cellId: id, value: null, error: null, isOld: true }
        : { ...shown, isOld: true };
    reader.read(
      isOther ? 0 : AFTER_TYPING_MS,
      async (abort) => {
        await hasKind(notebook, id);
        return planning.preview(notebook.id, id, body, abort);
      },
      (value) => (draft.value = { cellId: id, value, error: null, isOld: false }),
      (error) => {
        const last = draft.peek();
        // One that was made here and is not sent yet is not there; what it sends is known soon.
        const message = error.status === 404 ? null : error.message;
        if (last?.cellId === id) draft.value = { ...last, error: message, isOld: false };
      },
    );
  });
  return () => {
    stop();
    reader.cancel();
  };
}

/** Wait until the server has a cell as the prompt that it has become here. */
async function hasKind(notebook: OpenNotebook, id: string): Promise<void> {
  const others = notebook.outbox.queue.peek().filter(({ edit }) => edit.kind !== "change");
  if (editedCells(others).has(id)) await notebook.outbox.flush();
}

function watchPlan(notebook: OpenNotebook, digest: ReadonlySignal<string>): () => void {
  const reader = new Reader();
  let before = "";
  const stop = effect(() => {
    if (notebook.presence.value === "loading" || connection.value === "lost") return;
    // What a run leaves is known when it has ended.
    if (notebook.runs.value.length) return;
    // Nothing that has both texts of a merge can run, nor be planned.
    if (heldByMerge(notebook.conflicts.value)) {
      reader.cancel();
      before = "";
      plan.value = null;
      return;
    }
    const text = JSON.stringify([digest.value, notebook.metadata.value]);
    if (text === before) return;
    before = text;
    const shown = untracked(() => plan.value);
    if (shown) plan.value = { ...shown, isOld: true };
    reader.read(
      shown ? AFTER_CHANGE_MS : 0,
      async (abort) => {
        // A text that was chosen of two has to be there: until then the server refuses to plan.
        if (!shown) await notebook.outbox.flush();
        return planning.plan(notebook.id, {}, abort);
      },
      (value) => (plan.value = { value, isOld: false }),
      () => {
        before = "";
        plan.value = null;
      },
    );
  });
  return () => {
    stop();
    reader.cancel();
  };
}

/** What running all would do as of now; null: it can't be said. */
export async function freshPlan(notebook: OpenNotebook): Promise<RunForecast | null> {
  if (heldByMerge(notebook.conflicts.peek())) return null;
  await notebook.outbox.flush();
  try {
    const value = await planning.plan(notebook.id, {}, AbortSignal.timeout(PLAN_LIMIT_MS));
    plan.value = { value, isOld: false };
    return value;
  } catch (error) {
    if (error instanceof RestError || error instanceof DOMException) return null;
    throw error;
  }
}

/** What of the cells a forecast depends on, as the server has them. */
function digestOf(state: NotebookState | null): string {
  const parts: string[] = [];
  for (const id of state?.order ?? []) {
    const cell = state?.cells.get(id);
    if (!cell) continue;
    const isUnsettled = cell.status === "running" || cell.status === "queued";
    parts.push(`${id}${cell.version}${isUnsettled ? "" : cell.status}${cell.execution_count}${cell.stale}`);
  }
  return parts.join();
}

/** Reads one thing at a time, the latest. */
class Reader {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  cancel(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  read<T>(
    afterMs: number,
    ask: (abort: AbortSignal) => Promise<T>,
    take: (value: T) => void,
    fail: (error: RestError) => void,
  ): void {
    this.cancel();
    const abort = (this.#abort = new AbortController());
    this.#timer = setTimeout(async () => {
      try {
        const value = await ask(abort.signal);
        if (!abort.signal.aborted) take(value);
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof RestError)) throw error;
        fail(error);
      }
    }, afterMs);
  }
}
