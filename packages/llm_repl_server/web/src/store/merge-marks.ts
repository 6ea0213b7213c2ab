/** Of a text that two sides become: which words came from whom. Pure. */

import { parts } from "./merge.ts";

export interface MarkedPart {
  readonly text: string;
  /** Whose words they are; null: those of before, of both, or typed since. */
  readonly from: "here" | "there" | null;
}

/** What is longer is not marked: it is compared at every key. */
const MOST_LETTERS = 20_000;

/**
 * Cut a text by who has brought its words.
 *
 * @param together The text, as it is written now.
 * @param before What both began with.
 * @param here This side's text.
 * @param there The other side's text.
 */
export function markedParts(together: string, before: string, here: string, there: string): readonly MarkedPart[] {
  if (together.length > MOST_LETTERS) return [{ text: together, from: null }];
  const isOld = keptOf(before, together);
  const isHere = keptOf(here, together);
  const isThere = keptOf(there, together);
  const found: { text: string; from: MarkedPart["from"] }[] = [];
  for (let at = 0; at < together.length; at++) {
    const from = isOld[at] || isHere[at] === isThere[at] ? null : isHere[at] ? "here" : "there";
    const last = found.at(-1);
    if (last && last.from === from) last.text += together[at];
    else found.push({ text: together[at] ?? "", from });
  }
  return found;
}

/** Of each letter of a text whether it stands in an older one. */
function keptOf(older: string, text: string): readonly boolean[] {
  const kept: boolean[] = [];
  for (const { kind, text: piece } of parts(older, text)) {
    if (kind !== "gone") for (let at = 0; at < piece.length; at++) kept.push(kind === "same");
  }
  return kept;
}
