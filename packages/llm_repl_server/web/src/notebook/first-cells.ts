/** How many cells are drawn: those one sees first, then the others, some at a time. */

import { useLayoutEffect, useState } from "preact/hooks";
import { soon } from "../ui/slices.ts";

const FIRST = 12;
const EACH = 6;

/** Of so many cells, the number to draw by now; soon all of them, in a notebook that is new here. */
export function useDrawnCells(total: number): number {
  const [drawn, setDrawn] = useState(FIRST);
  // As soon as they are drawn, so that the same slice goes on with the next.
  useLayoutEffect(() => (drawn < total ? soon(() => setDrawn(drawn + EACH)) : undefined), [drawn, total]);
  return drawn;
}
