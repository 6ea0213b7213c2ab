/** Marks characters that nobody sees, or that turn the order of what one sees around. */
/** @jsxImportSource ./dom */

import type { Child } from "./dom/jsx-runtime.ts";

// Zero-width, direction, other invisible ones; tabs and line ends are what they are.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** A text whose invisible characters stand in marks; its text content stays the same. */
export function withMarks(text: string): Child {
  if (text.search(INVISIBLE) === -1) return text;
  const parts: Child[] = [];
  let at = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    parts.push(
      <span class="invisible" data-code={code} title={`An invisible character, U+${code}`}>
        {match[0]}
      </span>,
    );
    at = match.index + 1;
  }
  parts.push(text.slice(at));
  return parts;
}
