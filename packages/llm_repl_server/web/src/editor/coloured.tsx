/** Code as elements: of thousands of lines no description is kept beside them. */
/** @jsxImportSource ../ui/dom */

import { append, type Child } from "../ui/dom/jsx-runtime.ts";
import { withMarks } from "../ui/invisible.tsx";
import type { Piece } from "./highlight.ts";

export type Highlight = (text: string) => readonly Piece[];

/** By kind: what is copied for each piece, since copies have one list of attributes together. */
const patterns = { word: <span class="code-word" />, text: <span class="code-text" />, number: <span class="code-number" />, note: <span class="code-note" /> };

/** @param highlight Null: the colours are on their way. */
export function coloured(text: string, highlight: Highlight | null): HTMLElement {
  return <span>{highlight ? highlight(text).map(drawn) : withMarks(text)}</span>;
}

function drawn({ text, kind }: Piece): Child {
  if (!kind) return withMarks(text);
  const element = patterns[kind].cloneNode();
  append(element, withMarks(text));
  return element;
}
