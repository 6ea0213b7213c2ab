/**
 * Underlines what an answer says that the one in use does not. By highlights of the browser, which leave
 * the answers as they are drawn; code is for its own lines to compare.
 */

import { saidOnlyIn, type TextRange } from "../store/said-only.ts";

const NAME = "only-here";
/** Of an answer as many letters are compared. */
const MOST_LETTERS = 20_000;

interface Prose {
  readonly text: string;
  readonly nodes: readonly { readonly node: Text; readonly from: number }[];
}

/** Underline in each answer but the first, which is in use. */
export function underlineDifferences(within: Element | null): void {
  if (typeof Highlight === "undefined") return;
  const [used, ...others] = [...(within?.querySelectorAll("article > .prose:not(.is-growing)") ?? [])];
  const ranges: Range[] = [];
  const text = used ? proseOf(used).text : "";
  for (const other of text ? others : []) {
    const prose = proseOf(other);
    for (const said of saidOnlyIn(prose.text, text)) ranges.push(...rangesOf(prose, said));
  }
  CSS.highlights.set(NAME, new Highlight(...ranges));
}

export function underlineNothing(): void {
  if (typeof Highlight !== "undefined") CSS.highlights.delete(NAME);
}

/** What is read, block by block, without code in blocks. */
function proseOf(element: Element): Prose {
  const nodes: { node: Text; from: number }[] = [];
  let text = "";
  const blocks = element.querySelectorAll("p, li, h1, h2, h3, h4, td, th");
  for (const block of blocks) {
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && text.length < MOST_LETTERS; node = walker.nextNode()) {
      const nearest = node.parentElement?.closest("p, li, h1, h2, h3, h4, td, th, .fence");
      if (nearest !== block) continue;
      nodes.push({ node: node as Text, from: text.length });
      text += node.nodeValue ?? "";
    }
    text += "\n";
  }
  return { text, nodes };
}

function rangesOf({ nodes }: Prose, { from, to }: TextRange): readonly Range[] {
  return nodes.flatMap(({ node, from: start }) => {
    const [first, last] = [Math.max(from - start, 0), Math.min(to - start, node.length)];
    if (first >= last) return [];
    const range = document.createRange();
    range.setStart(node, first);
    range.setEnd(node, last);
    return [range];
  });
}
