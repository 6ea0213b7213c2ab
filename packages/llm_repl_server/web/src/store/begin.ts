/** Making a notebook, and writing in it at once. */

import { rest } from "../wire/rest.ts";
import { editCell, focusCell } from "./focus.ts";
import { beginning, beginningMetadata } from "./new-notebooks.ts";
import { goTo } from "./route.ts";
import { isPhone } from "./screen.ts";

/** By notebook that was made here and is not open yet: its one cell. */
const begun = new Map<string, string>();

/** Make a notebook with an empty cell, and open it. */
export async function beginNotebook(): Promise<void> {
  const { id } = await rest.createNotebook(undefined, beginningMetadata(beginning.peek()));
  const cell = await rest.createCell(id, { type: "ComputationCell" });
  begun.set(id, cell.id);
  goTo(id);
}

/** Who made a notebook writes in it at once; on a phone the keyboard waits for a touch. */
export function takeBegun(id: string): void {
  const cellId = begun.get(id);
  if (!begun.delete(id) || cellId === undefined) return;
  if (isPhone.peek()) focusCell(cellId);
  else editCell(cellId);
}
