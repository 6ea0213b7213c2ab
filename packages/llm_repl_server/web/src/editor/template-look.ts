/**
 * How a template looks as prose: paragraphs with a small gap, and code between backticks. The same while
 * it is read and while it is edited, so that nothing moves when one begins to edit. Pure.
 */

/** Code within a line: backticks around something without fields. */
export const INLINE_CODE = /`[^`{}\n]+`/g;

/** A part of a line. */
export interface Span {
  readonly text: string;
  readonly isCode: boolean;
}

/** A line's text, cut into code and what is none. */
export function codeSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { 0: code, index } of text.matchAll(INLINE_CODE)) {
    if (index > at) spans.push({ text: text.slice(at, index), isCode: false });
    spans.push({ text: code, isCode: true });
    at = index + code.length;
  }
  if (at < text.length) spans.push({ text: text.slice(at), isCode: false });
  return spans;
}

/** Whether a line is the one empty line between two paragraphs: it is as high as their gap. */
export function isParagraphGap(before: string | undefined, line: string, after: string | undefined): boolean {
  return line === "" && Boolean(before) && Boolean(after);
}
