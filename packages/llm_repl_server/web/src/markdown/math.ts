/** Formulas in Markdown: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, as models write them. */

import type { BlockContext, InlineContext, Line, MarkdownConfig } from "@lezer/markdown";

const DOLLAR = 36;
const BACKSLASH = 92;
const MOST_LENGTH = 10_000;

export const MathSyntax: MarkdownConfig = {
  defineNodes: [{ name: "InlineMath" }, { name: "DisplayMath" }, { name: "MathBlock", block: true }],
  // On lines of their own, nothing in it is Markdown: `+ 1` begins no list.
  parseBlock: [
    {
      name: "MathBlock",
      before: "FencedCode",
      parse: mathBlock,
      endLeaf: (_context, line) => closingOf(line) !== undefined,
    },
  ],
  parseInline: [
    {
      name: "Math",
      before: "Escape",
      parse(context, next, position) {
        if (next === BACKSLASH) return bracketed(context, position);
        return next === DOLLAR ? dollars(context, position) : -1;
      },
    },
  ],
};

const BLOCKS: Readonly<Record<string, string>> = { "$$": "$$", "\\[": "\\]" };

const closingOf = (line: Line) => (line.indent < line.baseIndent + 4 ? BLOCKS[line.text.slice(line.pos).trim()] : undefined);

function mathBlock(context: BlockContext, line: Line): boolean {
  const closing = closingOf(line);
  if (closing === undefined) return false;
  const from = context.lineStart + line.pos;
  let end = from + line.text.length - line.pos;
  while (context.nextLine()) {
    // What it stands in is over. Lezer's own code blocks look at the same field, which is not among its types.
    if ((line as Line & { readonly depth: number }).depth < context.depth) break;
    end = context.lineStart + line.text.length;
    if (line.text.trimEnd().endsWith(closing)) {
      context.nextLine();
      break;
    }
  }
  context.addElement(context.elt("MathBlock", from, end));
  return true;
}

/** What is between the marks, where both are there; null: the second one is missing. */
export function formulaInBlock(source: string): string | null {
  const text = source.trim();
  const closing = BLOCKS[text.slice(0, 2)];
  return text.length >= 4 && closing && text.endsWith(closing) ? text.slice(2, -2) : null;
}

/** What is between the marks. */
export function formulaIn(source: string): string {
  const marks = /^(?:\$\$|\\\[|\\\()/.test(source) ? 2 : 1;
  return source.slice(marks, -marks);
}

function bracketed(context: InlineContext, position: number): number {
  const open = context.slice(position, position + 2);
  if (open !== "\\(" && open !== "\\[") return -1;
  const end = closing(context, position + 2, open === "\\(" ? "\\)" : "\\]");
  if (end < 0) return -1;
  return context.addElement(context.elt(open === "\\(" ? "InlineMath" : "DisplayMath", position, end));
}

function dollars(context: InlineContext, position: number): number {
  if (context.char(position + 1) === DOLLAR) {
    const end = closing(context, position + 2, "$$");
    return end < 0 ? position + 2 : context.addElement(context.elt("DisplayMath", position, end));
  }
  // As pandoc has it: "$5 and $6" are prices.
  if (isSpace(context.slice(position + 1, position + 2))) return -1;
  for (let end = position + 1; end < Math.min(context.end, position + MOST_LENGTH); end++) {
    const character = context.char(end);
    if (character === BACKSLASH) end++;
    else if (character === DOLLAR) {
      if (isSpace(context.slice(end - 1, end)) || /\d/.test(context.slice(end + 1, end + 2))) return -1;
      return context.addElement(context.elt("InlineMath", position, end + 1));
    }
  }
  return -1;
}

/** Behind the closing mark, where there is a formula before it; else negative. */
function closing(context: InlineContext, from: number, mark: string): number {
  const text = context.slice(from, Math.min(context.end, from + MOST_LENGTH));
  const at = text.indexOf(mark);
  return at < 0 || !text.slice(0, at).trim() ? -1 : from + at + mark.length;
}

const isSpace = (text: string) => text === "" || /\s/.test(text);
