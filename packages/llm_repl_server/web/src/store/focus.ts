/** Which cells are chosen, which of them has the focus, and whether it is edited: Jupyter's two modes. */

import { computed, effect, signal } from "@preact/signals";
import { Keyed } from "./keyed.ts";
import { KeyedSignals } from "./keyed-signals.ts";

/** The cell that keys are for; null: none. */
export const focused = signal<string | null>(null);

// By cell: one that neither had the focus nor gets it hears nothing.
const marks = new KeyedSignals<true>();
effect(() => void marks.take(Keyed.of(focused.value === null ? [] : [[focused.value, true]])));

export function hasFocus(id: string): boolean {
  return marks.of(id).value === true;
}

/** Where the chosen cells begin; they end at the focused one. Null: that one alone is chosen. */
export const anchor = signal<string | null>(null);

/** Where somebody begins to edit: the cursor, if that is known, and where what is selected begins before it. */
interface Beginning {
  readonly cursor: number | null;
  readonly selectedFrom?: number;
}

/** Whether keys are text of the focused cell, and where that begins. */
export const editing = signal<Beginning | null>(null);

/** The order of the cells that are shown, for what lies between two of them. */
export const shownOrder = signal<readonly string[]>([]);

/** The chosen cells, in their order. */
export const chosen = computed<readonly string[]>(() => chosenOf(shownOrder.value, anchor.value, focused.value));

export const isChosen = computed<ReadonlySet<string>>(() => new Set(chosen.value));

/** The cells from one to another, whichever comes first. */
export function chosenOf(order: readonly string[], from: string | null, to: string | null): readonly string[] {
  if (to === null) return [];
  const [start, end] = [order.indexOf(from ?? to), order.indexOf(to)];
  if (start < 0 || end < 0) return [to];
  return order.slice(Math.min(start, end), Math.max(start, end) + 1);
}

export function focusCell(id: string | null): void {
  if (focused.value !== id) editing.value = null;
  anchor.value = null;
  focused.value = id;
}

/** Choose all cells from where the choice began to this one. */
export function chooseTo(id: string): void {
  editing.value = null;
  anchor.value ??= focused.value;
  focused.value = id;
}

export function chooseAll(): void {
  const order = shownOrder.value;
  editing.value = null;
  anchor.value = order[0] ?? null;
  focused.value = order.at(-1) ?? null;
}

export function editCell(id: string, beginning: Beginning = { cursor: null }): void {
  anchor.value = null;
  focused.value = id;
  editing.value = beginning;
}

export function stopEditing(): void {
  editing.value = null;
}

export function hasNoFocus(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

/** Give the browser's focus to the focused cell, whose keys are the way to everything else. */
export function returnToCell(): void {
  document.getElementById(`cell-${focused.peek()}`)?.focus({ preventScroll: true });
}
