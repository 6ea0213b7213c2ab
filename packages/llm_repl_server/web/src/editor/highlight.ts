/** The colours of Python: four are enough. */

import { pythonLanguage } from "@codemirror/lang-python";
import { highlightTree, tagHighlighter, tags } from "@lezer/highlight";

export interface Piece {
  readonly text: string;
  readonly kind: "word" | "text" | "number" | "note" | null;
}

const kinds = tagHighlighter([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword], class: "word" },
  { tag: [tags.string, tags.special(tags.string)], class: "text" },
  { tag: [tags.number, tags.bool, tags.null], class: "number" },
  { tag: [tags.comment, tags.lineComment], class: "note" },
]);

export function highlight(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  highlightTree(pythonLanguage.parser.parse(text), kinds, (from, to, kind) => {
    if (from > at) pieces.push({ text: text.slice(at, from), kind: null });
    pieces.push({ text: text.slice(from, to), kind: kind as Piece["kind"] });
    at = to;
  });
  if (at < text.length) pieces.push({ text: text.slice(at), kind: null });
  return pieces;
}
