/** Which dialog is open. */

import { signal } from "@preact/signals";

export type DialogName = "settings" | "keys" | "bin" | "files";

export const dialog = signal<DialogName | null>(null);

export function openDialog(name: DialogName): void {
  dialog.value = name;
}
