/** Which part of a long text is shown at first. */

export interface Cut {
  readonly head: string;
  readonly tail: string;
  /** How many lines are between them; 0: all that there is has been taken. */
  readonly hiddenLines: number;
  /** How many characters are between them, where the lines are few and long. */
  readonly hidden: number;
}

const MOST_LINES = 60;
const SHOWN_LINES = 20;
const MOST_CHARACTERS = 40_000;
const SHOWN_CHARACTERS = 10_000;
const PART_LINES = 500;
const PART_CHARACTERS = 100_000;

/** Counts the lines of a text that grows: what was counted is not looked at again. */
export class LineCounter {
  #seen = "";
  #lines = 0;

  /** How many line ends there are. */
  count(text: string): number {
    const grew = text.slice(0, this.#seen.length) === this.#seen;
    let at = grew ? this.#seen.length : 0;
    if (!grew) this.#lines = 0;
    for (at = text.indexOf("\n", at); at !== -1; at = text.indexOf("\n", at + 1)) this.#lines++;
    this.#seen = text;
    return this.#lines;
  }
}

/** The text's first and last lines, where it is long; null: it is shown whole. */
export function cutText(text: string, lineEnds: number): Cut | null {
  if (lineEnds < MOST_LINES && text.length <= MOST_CHARACTERS) return null;
  const headEnd = Math.min(afterLines(text, SHOWN_LINES), SHOWN_CHARACTERS);
  const tailStart = Math.max(beforeLines(text, SHOWN_LINES), text.length - SHOWN_CHARACTERS, headEnd);
  const head = text.slice(0, headEnd).replace(/\n$/, "");
  const tail = text.slice(tailStart);
  return {
    head,
    tail,
    hiddenLines: Math.max(0, lineEnds - ends(text.slice(0, headEnd)) - ends(tail)),
    hidden: tailStart - headEnd,
  };
}

/** A text in parts of whole lines, which are drawn one by one. */
export function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = at + Math.min(afterLines(text.slice(at, at + PART_CHARACTERS), PART_LINES), PART_CHARACTERS);
    if (end < text.length && text[end - 1] !== "\n") {
      const lineEnd = text.lastIndexOf("\n", end - 1) + 1;
      if (lineEnd > at) end = lineEnd;
    }
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

function ends(text: string): number {
  return text.split("\n").length - 1;
}

function afterLines(text: string, lines: number): number {
  let at = 0;
  for (let line = 0; line < lines; line++) {
    const end = text.indexOf("\n", at);
    if (end === -1) return text.length;
    at = end + 1;
  }
  return at;
}

function beforeLines(text: string, lines: number): number {
  let at = text.endsWith("\n") ? text.length - 1 : text.length;
  for (let line = 0; line < lines; line++) {
    at = text.lastIndexOf("\n", at - 1);
    if (at <= 0) return 0;
  }
  return at + 1;
}
