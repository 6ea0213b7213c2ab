/** How many cells are drawn: those one sees first, then the others, behind the first painting. */

import { useEffect, useState } from "preact/hooks";

const FIRST = 24;
const EACH = 60;

/** Of so many cells, the number to draw by now; soon all of them, in a notebook that is new here. */
export function useDrawnCells(total: number): number {
  const [drawn, setDrawn] = useState(FIRST);
  useEffect(() => {
    if (drawn >= total) return;
    // Behind a frame, so that what is there is painted, and keys and clicks are heard in between.
    let timer = 0;
    const frame = requestAnimationFrame(() => (timer = window.setTimeout(() => setDrawn(drawn + EACH))));
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [drawn, total]);
  return drawn;
}
