/** Places in cells that a traceback names. */

export interface Place {
  /** The number in `In[…]`: where the cell stands, from 1; in files of Jupyter's, which execution it was. */
  readonly number: number;
  /** From 1. */
  readonly line: number;
}

export interface TracebackPiece {
  readonly text: string;
  readonly place: Place | null;
}

// As IPython writes them, with colours between the words or without; and as Python does.
const GAP = "(?:\\x1b\\[[\\d;]*m| )*";
const PLACE = new RegExp(
  `Cell${GAP}In${GAP}\\[${GAP}(\\d+)${GAP}\\]${GAP},${GAP}line${GAP}(\\d+)|<ipython-input-(\\d+)-[0-9a-f]+>[^\\n]{0,20}?(?::|line )(\\d+)`,
  "g",
);

/** A traceback in pieces: those that name a place in a cell, and what is between them. */
export function placesIn(traceback: string): readonly TracebackPiece[] {
  const pieces: TracebackPiece[] = [];
  let at = 0;
  for (const match of traceback.matchAll(PLACE)) {
    if (match.index > at) pieces.push({ text: traceback.slice(at, match.index), place: null });
    const place = { number: Number(match[1] ?? match[3]), line: Number(match[2] ?? match[4]) };
    pieces.push({ text: match[0], place });
    at = match.index + match[0].length;
  }
  if (at < traceback.length) pieces.push({ text: traceback.slice(at), place: null });
  return pieces;
}
