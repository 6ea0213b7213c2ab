/** The parser of Markdown: GitHub's, with formulas. */

import { GFM, parser as commonMark } from "@lezer/markdown";
import type { SyntaxNode } from "@lezer/common";
import { MathSyntax } from "./math.ts";

const parser = commonMark.configure([GFM, MathSyntax]);

/** A node of Markdown, and the text in which it stands. */
export interface Piece {
  readonly text: string;
  readonly node: SyntaxNode;
}

/** The blocks of a text, in order. */
export function parse(text: string): SyntaxNode[] {
  return childrenOf(parser.parse(text).topNode);
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) all.push(child);
  return all;
}
