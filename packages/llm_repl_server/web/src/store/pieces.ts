/** A text that grows at its end, in pieces: those that are full stay the same. Pure. */

export type Pieces = readonly string[];

export const NO_TEXT: Pieces = [];

const FULL = 4_000;

/** The text with more of it behind. */
export function withMore(pieces: Pieces, text: string): Pieces {
  if (!text) return pieces;
  const last = pieces.at(-1);
  if (last === undefined || last.length >= FULL) return [...pieces, text];
  return pieces.with(-1, last + text);
}

export function wholeText(pieces: Pieces): string {
  return pieces.join("");
}

/** By how much the number of words grows with more text; it has `words(whole)` words then. */
export function moreWords(pieces: Pieces, text: string): number {
  const before = pieces.at(-1)?.at(-1) ?? " ";
  const found = text.match(/\S+/g)?.length ?? 0;
  return found - (/\S/.test(before) && /^\S/.test(text) ? 1 : 0);
}

/** A text of its own: a part of another one would keep all of that in memory. */
export function copied(text: string): string {
  return text.length < 13 ? text : JSON.parse(JSON.stringify(text));
}
