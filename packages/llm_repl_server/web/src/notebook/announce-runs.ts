/** Tells a screen reader of answers: that one began, how long it is, that a cell failed. The stream itself is silent. */

import { effect } from "@preact/signals";
import { announce } from "../store/announce.ts";
import type { Keyed } from "../store/keyed.ts";
import { answers } from "../store/status.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { plural, words } from "../ui/format.ts";
import type { Cell } from "../wire/shapes.ts";

/** Announce from now on; gives what ends it. */
export function announceRuns(notebook: OpenNotebook): () => void {
  let before: Keyed<Cell> | null = null;
  return effect(() => {
    const cells = notebook.whole.value?.cells;
    if (!cells) return;
    const known = before;
    before = cells;
    if (known === null) return;
    for (const id of cells.differsIn(known)) {
      const was = known.get(id);
      const cell = cells.get(id);
      if (!was || !cell || was.status === cell.status) continue;
      const said = sayingOf(cell);
      if (said) announce(`Cell ${notebook.order.peek().indexOf(id) + 1} ${said}`);
    }
  });
}

function sayingOf(cell: Cell): string | null {
  switch (cell.status) {
    case "running":
      return cell.type === "PromptCell" ? "answering" : null;
    case "error":
      return "failed";
    case "interrupted":
      return "stopped";
    case "completed": {
      if (cell.type !== "PromptCell") return null;
      const count = answers(cell).reduce((sum, { content }) => sum + words(content), 0);
      return `answered, ${plural(count, "word")}`;
    }
    default:
      return null;
  }
}
