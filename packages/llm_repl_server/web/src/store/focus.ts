/** Which cell has the focus, and whether it is being edited: Jupyter's two modes. */

import { signal } from "@preact/signals";

/** The cell that keys are for; null: none. */
export const focused = signal<string | null>(null);

/** Whether keys are text of the focused cell; where the cursor stands at first, if that is known. */
export const editing = signal<{ readonly cursor: number | null } | null>(null);

export function focusCell(id: string | null): void {
  if (focused.value !== id) editing.value = null;
  focused.value = id;
}

export function editCell(id: string, cursor: number | null = null): void {
  focused.value = id;
  editing.value = { cursor };
}

export function stopEditing(): void {
  editing.value = null;
}
