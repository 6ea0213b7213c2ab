/** The headings of a notebook. Pure. */

import type { NotebookState } from "./state.ts";

export interface Heading {
  readonly cellId: string;
  readonly text: string;
  /** From 1 to 3; deeper ones are 3. */
  readonly level: number;
}

const LIMIT = 500;

export function outlineOf(state: NotebookState): readonly Heading[] {
  const found: Heading[] = [];
  for (const cellId of state.order) {
    const cell = state.cells.get(cellId);
    if (cell?.type !== "MarkdownCell") continue;
    const text = cell.content.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, "");
    for (const [, marks = "", heading = ""] of text.matchAll(/^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*$/gm)) {
      if (found.length === LIMIT) return found;
      found.push({ cellId, text: heading.replace(/[*_`]/g, ""), level: Math.min(3, marks.length) });
    }
  }
  return found;
}
