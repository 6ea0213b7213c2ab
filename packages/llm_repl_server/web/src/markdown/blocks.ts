/**
 * Cuts Markdown into blocks, also while it is still coming.
 *
 * A block that another one follows is finished: what comes later never changes it, so that it is
 * parsed and drawn once. Only the last block is looked at again when text is added.
 */

import { GFM, parser as commonMark } from "@lezer/markdown";
import type { SyntaxNode } from "@lezer/common";

const parser = commonMark.configure(GFM);

export interface Block {
  readonly text: string;
  readonly node: SyntaxNode;
}

/** The blocks of a text, in order. */
export function parseBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  for (let node = parser.parse(text).topNode.firstChild; node; node = node.nextSibling) {
    blocks.push({ text, node });
  }
  return blocks;
}

/** Blocks of a text that grows. */
export class GrowingBlocks {
  /** Those that do not change any more. The same object as before where none was added. */
  finished: readonly Block[] = [];
  /** The last one, which may; none where nothing has come. */
  last: Block | null = null;
  #text = "";
  #start = 0;

  /** Take a text that begins with the one before, or another one. */
  update(text: string): void {
    if (!text.startsWith(this.#text)) {
      this.finished = [];
      this.#start = 0;
    }
    this.#text = text;
    const blocks = parseBlocks(text.slice(this.#start));
    const done = blocks.slice(0, -1);
    this.last = blocks.at(-1) ?? null;
    if (!this.last) return;
    if (done.length) {
      this.finished = [...this.finished, ...done];
      this.#start += this.last.node.from;
      // Its node has to count from its own start.
      this.last = parseBlocks(text.slice(this.#start))[0] ?? null;
    }
  }
}
