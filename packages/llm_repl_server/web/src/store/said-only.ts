/** What a text says that another one does not: for reading both beside each other. Pure. */

import { parts } from "./merge.ts";

/** A part of a text, by offsets. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
}

/** A word of so many letters says something. */
const WORD = /[\p{L}\p{N}]{4,}/u;

/** Where a text says something that the other one does not, from the first to the last word of it. */
export function saidOnlyIn(text: string, other: string): readonly TextRange[] {
  const found: { from: number; to: number }[] = [];
  let at = 0;
  for (const { kind, text: piece } of parts(other, text)) {
    if (kind === "gone") continue;
    const [from, to] = [at, at + piece.length];
    at = to;
    if (kind !== "added") continue;
    const last = found.at(-1);
    const between = last ? text.slice(last.to, from) : "";
    if (last && !between.includes("\n") && !/[\p{L}\p{N}]/u.test(between)) last.to = to;
    else found.push({ from, to });
  }
  return found.flatMap(({ from, to }) => {
    const words = /[\p{L}\p{N}](?:.*[\p{L}\p{N}])?/su.exec(text.slice(from, to));
    return words && WORD.test(words[0]) ? [{ from: from + words.index, to: from + words.index + words[0].length }] : [];
  });
}
