/** What a text says that another one does not: for reading both beside each other. Pure. */

import { parts } from "./merge.ts";

/** A part of a text, by offsets. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
}

/** A word of so many letters says something. */
const WORD = /[\p{L}\p{N}]{4,}/u;

/** Texts of so many words that have less in common than this share are not compared word by word. */
const MANY_WORDS = 20;
const MOST_NEW = 0.5;

/** Where a text says something that the other one does not, from the first to the last word of it. */
export function saidOnlyIn(text: string, other: string): readonly TextRange[] {
  const found = newWords(text, other);
  const letters = found.reduce((sum, { from, to }) => sum + to - from, 0);
  const isOther = letters > MOST_NEW * text.length && (text.match(/\p{L}+/gu)?.length ?? 0) > MANY_WORDS;
  // In another wording everything is new: what counts is what the other one does not speak of at all.
  return isOther ? newClauses(text, other) : found;
}

/** A clause most of whose words the other text does not have, at least so large a share. */
const NEW_SHARE = 0.6;

/** The clauses about something that the other text does not speak of. */
function newClauses(text: string, other: string): readonly TextRange[] {
  const known = new Set([...other.matchAll(LONG_WORD)].map(([word]) => stem(word)));
  return [...text.matchAll(/[^.!?:;,\n]+/g)].flatMap((clause) => {
    const all = [...clause[0].matchAll(LONG_WORD)];
    const fresh = all.filter(([word]) => !known.has(stem(word)));
    const [first, last] = [fresh[0], fresh.at(-1)];
    if (!first || !last || fresh.length < Math.max(Math.min(2, all.length), NEW_SHARE * all.length)) return [];
    return [{ from: clause.index + first.index, to: clause.index + last.index + last[0].length }];
  });
}

const LONG_WORD = /[\p{L}\p{N}]{4,}/gu;

const stem = (word: string) => word.toLowerCase().replace(/(?:ing|ed|es|e|s)$/, "");

/** What is new word by word, as far as it says something. */
function newWords(text: string, other: string): readonly TextRange[] {
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
