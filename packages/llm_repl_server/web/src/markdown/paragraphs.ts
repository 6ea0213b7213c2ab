/**
 * Cuts paragraphs that are very long, so that one that grows is not parsed from its start each time.
 *
 * Where a part ends is seen from that part alone: it is the same while the text grows, and when it
 * is all there. What is opened in one part and closed in another, as a bold text of pages, is not
 * seen as such.
 */

import { childrenOf, parse } from "./parser.ts";

const PART = 2_000;

/** What stands before a part that is parsed by itself: it is in a paragraph, whatever it begins with. */
export const partPrefix = "x ";

/** Where the first part of a paragraph's text ends; null: it is no longer than a part. */
export function partEnd(text: string): number | null {
  if (text.length <= PART) return null;
  const part = text.slice(0, PART);
  const [paragraph] = parse(partPrefix + part);
  const taken = paragraph ? childrenOf(paragraph) : [];
  const isFree = (end: number) => {
    const at = end + partPrefix.length - 1;
    return !taken.some((node) => node.from < at && node.to > at);
  };
  // Where a sentence ends, else between words.
  for (const gap of [/[.!?:;] |\n/g, / /g]) {
    const ends = Array.from(part.slice(PART / 2).matchAll(gap), (match) => PART / 2 + match.index + match[0].length);
    const end = ends.findLast(isFree);
    if (end !== undefined) return end;
  }
  return PART;
}

/** A paragraph's text in parts, each with what stands before it. */
export function paragraphParts(text: string): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  for (let end = partEnd(rest); end !== null; end = partEnd(rest)) {
    parts.push(partPrefix + rest.slice(0, end));
    rest = rest.slice(end);
  }
  parts.push(partPrefix + rest);
  return parts;
}
