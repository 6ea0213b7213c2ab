/** Which cells a prompt is sent along with, and changing that cell by cell. */

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { draft } from "./forecasts.ts";
import { editing, focused } from "./focus.ts";
import { inspectorTab } from "./inspector.ts";
import type { OpenNotebook } from "./notebook.ts";
import type { NotebookState } from "./state.ts";
import type { Cell } from "../wire/shapes.ts";

export type SentState = "sent" | "pinned" | "skipped" | "not_sent";

export interface SentAlong {
  readonly state: SentState;
  /** About how many tokens it takes in the request; null: not known yet. */
  readonly tokens: number | null;
  /** Of the heaviest cell of the request, from 0 to 1. */
  readonly weight: number;
  /** Whether cells are left out while others go along, and not all since the prompt is sent alone. */
  readonly isLeftOut: boolean;
}

/** Whether the panel is open in which one says what a prompt is sent along with. */
export const isContextOpen = signal(false);

/** The prompt in focus, whose context is chosen at the left of the cells. */
function promptInFocus(notebook: OpenNotebook): Cell | null {
  const cell = notebook.view(focused.value ?? "").cell.value;
  return cell?.type === "PromptCell" ? cell : null;
}

/** While what is sent is at hand: its text is edited, or its request or its context is looked at. */
const isShown = computed(() => editing.value !== null || inspectorTab.value === "request" || isContextOpen.value);

/** Of the prompt in focus what the other cells have to know: it stays the same while one types. */
interface Chooser {
  readonly id: string;
  readonly context: Cell["context"];
  /** Whether some cells go along with it. */
  readonly sendsSome: boolean;
}

const choosers = new WeakMap<OpenNotebook, ReadonlySignal<Chooser | null>>();

function chooserOf(notebook: OpenNotebook): Chooser | null {
  let found = choosers.get(notebook);
  if (!found) {
    let last: Chooser | null = null;
    found = computed(() => {
      const prompt = promptInFocus(notebook);
      if (!prompt) return (last = null);
      const { id, context } = prompt;
      const sendsSome = alongWith(notebook.whole.value, prompt).length > 0;
      if (last?.id !== id || last.context !== context || last.sendsSome !== sendsSome) last = { id, context, sendsSome };
      return last;
    });
    choosers.set(notebook, found);
  }
  return found.value;
}

/** The ids of the cells that are sent with a prompt, in order. */
export function sentAlong(notebook: OpenNotebook, prompt: Cell): readonly string[] {
  return alongWith(notebook.state, prompt);
}

function alongWith(state: NotebookState | null, prompt: Cell): readonly string[] {
  const order = state?.order ?? [];
  const above = order.slice(0, order.indexOf(prompt.id));
  return above.filter((id) => {
    const cell = state?.cells.get(id);
    if (!cell || cell.skipped) return false;
    if (cell.pinned || prompt.context === "above") return true;
    return Array.isArray(prompt.context) && prompt.context.includes(id);
  });
}

/** Whether a cell is sent by choice, and not since it is pinned. */
export function sendsAlong(notebook: OpenNotebook, id: string): boolean {
  return notebook.view(id).cell.peek()?.pinned !== true;
}

/** How a cell stands to the prompt in focus; null: it is not above one. */
export function sentState(notebook: OpenNotebook, cell: Cell): SentAlong | null {
  if (!isShown.value) return null;
  const prompt = chooserOf(notebook);
  if (!prompt || prompt.id === cell.id) return null;
  if (notebook.view(cell.id).index.value > notebook.view(prompt.id).index.value) return null;
  const isLeftOut = prompt.sendsSome;
  if (cell.skipped) return { state: "skipped", tokens: null, weight: 0, isLeftOut };
  const isSent =
    cell.pinned ||
    prompt.context === "above" ||
    (Array.isArray(prompt.context) && prompt.context.includes(cell.id));
  if (!isSent) return { state: "not_sent", tokens: null, weight: 0, isLeftOut };
  const found = weights.value;
  const state = cell.pinned ? "pinned" : "sent";
  if (found?.promptId !== prompt.id) return { state, tokens: null, weight: 0, isLeftOut: false };
  const tokens = found.tokens.get(cell.id) ?? 0;
  return { state, tokens, weight: tokens / found.most, isLeftOut: false };
}

const preview = computed(() => draft.value?.value ?? null);

/** How many tokens each cell takes in the request of the prompt in focus. */
const weights = computed(() => {
  const messages = preview.value?.messages;
  const promptId = draft.peek()?.cellId;
  if (!messages || promptId === undefined) return null;
  const tokens = new Map<string, number>();
  for (const { cell_id, tokens: own } of messages) {
    if (cell_id && cell_id !== promptId) tokens.set(cell_id, (tokens.get(cell_id) ?? 0) + own);
  }
  return { promptId, tokens, most: Math.max(1, ...tokens.values()) };
});

/** Send a cell along with a prompt below it, or leave it out; what it does now, in words. */
export function toggleSent(notebook: OpenNotebook, id: string, prompt = promptInFocus(notebook)): string | null {
  const cell = notebook.view(id).cell.peek();
  if (!prompt || !cell || cell.id === prompt.id) return null;
  if (cell.skipped || cell.pinned) {
    notebook.change(id, cell.skipped ? { skipped: false } : { pinned: false });
    return null;
  }
  const before = prompt.context ?? "isolated";
  const now = sentAlong(notebook, prompt).filter((other) => sendsAlong(notebook, other));
  const context = now.includes(id) ? now.filter((other) => other !== id) : [...now, id];
  const order = notebook.order.peek();
  context.sort((one, other) => order.indexOf(one) - order.indexOf(other));
  notebook.change(prompt.id, { context });
  if (Array.isArray(before)) return null;
  const number = order.indexOf(prompt.id) + 1;
  return `Cell ${number} now sends chosen cells, no longer ${before === "above" ? "all above" : "alone"}.`;
}

/** The same for the next prompt below a cell, by a key. */
export function toggleSentBelow(notebook: OpenNotebook, id: string): string | null {
  const order = notebook.order.peek();
  const below = order.slice(order.indexOf(id) + 1).map((other) => notebook.view(other).cell.peek());
  const prompt = below.find((cell) => cell?.type === "PromptCell");
  if (!prompt) return "There is no prompt below to send it with.";
  const said = toggleSent(notebook, id, prompt);
  const isSent = sentAlong(notebook, notebook.view(prompt.id).cell.peek() ?? prompt).includes(id);
  const numbers = [id, prompt.id].map((one) => order.indexOf(one) + 1);
  return said ?? `Cell ${numbers[0]} is ${isSent ? "" : "not "}sent with cell ${numbers[1]}.`;
}
