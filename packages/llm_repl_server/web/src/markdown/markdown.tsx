/** Draws Markdown as elements, never as HTML text: nothing in it can run. */

import type { SyntaxNode } from "@lezer/common";
import { Component, type ComponentChildren, type ComponentType, type VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Pieces } from "../store/pieces.ts";
import { safeAddress } from "./addresses.ts";
import { GrowingBlocks, type Block } from "./blocks.ts";
import type { Chunks } from "./chunks.ts";
import { Fence } from "./fence.tsx";
import { Formula } from "./formula.tsx";
import { formulaIn, formulaInBlock } from "./math.ts";
import { paragraphParts, partPrefix } from "./paragraphs.ts";
import { childrenOf, parse, type Piece } from "./parser.ts";
import { scrolls } from "../ui/scrolls.ts";
import { RemotePicture } from "./remote-picture.tsx";

/**
 * A text.
 *
 * One that grows is the same view while it does and when it has ended: what has been drawn of it is
 * touched by neither.
 */
export function Markdown({ text, isGrowing = false }: { text: string | Pieces; isGrowing?: boolean }) {
  const growing = useRef<GrowingBlocks>(null);
  growing.current ??= new GrowingBlocks();
  growing.current.update(typeof text === "string" ? [text] : text, !isGrowing);
  // Each chunk in a box of its own: what is added at the end lays out that box alone.
  return <>{drawChunks(growing.current.blocks, Passage)}</>;
}

/** Each chunk by itself: one that is full is not looked at again. */
function drawChunks<Item>(chunks: Chunks<Item>, View: ComponentType<{ items: readonly Item[] }>) {
  return chunks.map((items, at) => <View key={at} items={items} />);
}

/** A view of a chunk. What has been drawn of an item is kept as long as the item is the same. */
function chunkOf<Item extends object>(
  draw: (item: Item) => ComponentChildren,
  box: (children: ComponentChildren) => ComponentChildren = (children) => children,
) {
  const drawn = new WeakMap<Item, ComponentChildren>();
  const drawOnce = (item: Item) => {
    if (!drawn.has(item)) drawn.set(item, draw(item));
    return drawn.get(item);
  };
  return class extends Component<{ items: readonly Item[] }> {
    override shouldComponentUpdate({ items }: { items: readonly Item[] }): boolean {
      return items !== this.props.items;
    }

    render() {
      return box(this.props.items.map(drawOnce));
    }
  };
}

const Passage = chunkOf(drawGrown, (children) => <div class="passage">{children}</div>);
const ItemChunk = chunkOf(({ node, text }: Piece) => drawItem(node, text));
const RowChunk = chunkOf(({ node, text }: Piece) => row(node, text, "td", node.parent ? alignmentOf(node.parent, text) : []));
// While it grows, each is laid out for itself: what is added costs the same, however long the paragraph is.
const Stretch = chunkOf(
  ({ node, text }: Piece) => inlineBetween(node, text, partPrefix.length, node.to),
  (children) => <span class="stretch">{children}</span>,
);

function drawGrown(block: Block): VNode | null {
  switch (block.kind) {
    case "whole":
      return drawBlock(block.piece.node, block.piece.text);
    case "code":
      return <Fence language={block.language} parts={block.parts} isOpen={block.isOpen} />;
    case "list":
      return drawList(block.first, drawChunks(block.parts, ItemChunk));
    case "table":
      return drawTable(block.first, drawChunks(block.parts, RowChunk));
    case "paragraph":
      return <p>{drawChunks(block.parts, Stretch)}</p>;
  }
}

function drawBlock(node: SyntaxNode, text: string): VNode | null {
  switch (node.name) {
    case "ATXHeading1":
    case "SetextHeading1":
      return <h1>{inline(node, text)}</h1>;
    case "ATXHeading2":
    case "SetextHeading2":
      return <h2>{inline(node, text)}</h2>;
    case "ATXHeading3":
      return <h3>{inline(node, text)}</h3>;
    case "ATXHeading4":
    case "ATXHeading5":
    case "ATXHeading6":
      return <h4>{inline(node, text)}</h4>;
    case "Paragraph":
      return <p>{inParts(node, text)}</p>;
    case "Task":
      return <span>{inline(node, text)}</span>;
    case "Blockquote":
      return <blockquote>{blocksIn(node, text)}</blockquote>;
    case "BulletList":
    case "OrderedList":
      return drawList({ node, text }, node.getChildren("ListItem").map((item) => drawItem(item, text)));
    case "FencedCode":
    case "CodeBlock":
      return <Fence language={infoOf(node, text)} parts={[[codeIn(node, text)]]} isOpen={false} />;
    case "Table":
      return drawTable({ node, text }, node.getChildren("TableRow").map((one) => row(one, text, "td", alignmentOf(node, text))));
    case "MathBlock": {
      const own = text.slice(node.from, node.to);
      const source = formulaInBlock(own);
      return source === null ? <p class="source">{own}</p> : <Formula source={source} isDisplay />;
    }
    case "HorizontalRule":
      return <hr />;
    case "LinkReference":
    case "QuoteMark":
    case "ListMark":
      return null;
    default:
      // Raw HTML, and what else there may be: its text, as it is.
      return <p class="source">{text.slice(node.from, node.to)}</p>;
  }
}

function blocksIn(node: SyntaxNode, text: string): ComponentChildren {
  return childrenOf(node).map((child) => drawBlock(child, text));
}

function drawList({ node, text }: Piece, items: ComponentChildren): VNode {
  return node.name === "BulletList" ? <ul>{items}</ul> : <ol start={firstNumber(node, text)}>{items}</ol>;
}

function drawItem(item: SyntaxNode, text: string): VNode {
  const blocks = childrenOf(item).filter((child) => child.name !== "ListMark");
  // A text beside its mark needs no paragraph of its own, whatever is nested below it.
  return (
    <li class={blocks[0]?.name === "Task" ? "task" : undefined}>
      {blocks.map((child, at) => (at === 0 && isText(child) ? inline(child, text) : drawBlock(child, text)))}
    </li>
  );
}

const isText = (node: SyntaxNode) => node.name === "Paragraph" || node.name === "Task";

function firstNumber(list: SyntaxNode, text: string): number {
  const mark = list.firstChild?.getChild("ListMark");
  return mark ? Number.parseInt(text.slice(mark.from, mark.to), 10) : 1;
}

function infoOf(node: SyntaxNode, text: string): string {
  const info = node.getChild("CodeInfo");
  return info ? text.slice(info.from, info.to).split(/\s/)[0] ?? "" : "";
}

function codeIn(node: SyntaxNode, text: string): string {
  return node.getChildren("CodeText").map((part) => text.slice(part.from, part.to)).join("");
}

function drawTable({ node, text }: Piece, rows: ComponentChildren): VNode {
  const head = node.getChild("TableHeader");
  return (
    <div class="scrolls" ref={scrolls}>
      <table class="grid">
        {head && <thead>{row(head, text, "th", alignmentOf(node, text))}</thead>}
        <tbody>{rows}</tbody>
      </table>
    </div>
  );
}

/** By column: the class that aligns it. */
function alignmentOf(table: SyntaxNode, text: string): readonly (string | undefined)[] {
  const line = table.getChild("TableDelimiter");
  if (!line) return [];
  const columns = text.slice(line.from, line.to).trim().replace(/^\||\|$/g, "").split("|");
  return columns.map((column) => {
    const dashes = column.trim();
    if (!dashes.endsWith(":")) return undefined;
    return dashes.startsWith(":") ? "centered" : "number";
  });
}

function row(node: SyntaxNode, text: string, Cell: "th" | "td", alignment: readonly (string | undefined)[]): VNode {
  const cells: (SyntaxNode | null)[] = [];
  // A cell without text has no node: it is what is between two bars.
  let hasCell = true;
  for (const child of childrenOf(node)) {
    if (child.name === "TableCell") {
      cells.push(child);
      hasCell = true;
    } else if (child.name === "TableDelimiter") {
      if (!hasCell) cells.push(null);
      hasCell = false;
    }
  }
  return (
    <tr>
      {cells.map((cell, at) => (
        <Cell class={alignment[at]}>{cell && inline(cell, text)}</Cell>
      ))}
    </tr>
  );
}

function inParts(node: SyntaxNode, text: string): ComponentChildren {
  const own = paragraphParts(text.slice(node.from, node.to));
  if (own.length === 1) return inline(node, text);
  return own.map((part) => {
    const [paragraph] = parse(part);
    return paragraph ? inlineBetween(paragraph, part, partPrefix.length, part.length) : part.slice(partPrefix.length);
  });
}

/** The text of a node with what stands in it, without the marks that make it. */
function inline(node: SyntaxNode, text: string): ComponentChildren[] {
  const parts = inlineBetween(node, text, node.from, node.to);
  trimStart(parts);
  return parts;
}

function drawInline(node: SyntaxNode, text: string): ComponentChildren {
  const own = text.slice(node.from, node.to);
  switch (node.name) {
    case "Emphasis":
      return <em>{inline(node, text)}</em>;
    case "StrongEmphasis":
      return <strong>{inline(node, text)}</strong>;
    case "Strikethrough":
      return <s>{inline(node, text)}</s>;
    case "InlineCode":
      return <code>{own.replace(/^`+ ?|(?<! ) ?`+$/g, "").replace(/\n/g, " ")}</code>;
    case "HardBreak":
      return <br />;
    case "Escape":
      return own.slice(1);
    case "Entity":
      return entity(own);
    case "InlineMath":
    case "DisplayMath":
      return <Formula source={formulaIn(own)} isDisplay={node.name === "DisplayMath"} />;
    case "Link":
      return link(node, text);
    case "Image":
      return picture(node, text);
    case "Autolink":
      return anchor(own.replace(/^<|>$/g, ""), own.replace(/^<|>$/g, ""));
    case "URL":
      return anchor(own, own);
    case "TaskMarker":
      return <input type="checkbox" disabled checked={/x/i.test(own)} />;
    case "EmphasisMark":
    case "StrikethroughMark":
    case "CodeMark":
    case "LinkMark":
    case "HeaderMark":
    case "QuoteMark":
    case "TableDelimiter":
    case "LinkTitle":
      return null;
    default:
      return own;
  }
}

function link(node: SyntaxNode, text: string): ComponentChildren {
  const url = node.getChild("URL");
  const marks = node.getChildren("LinkMark");
  const [open, close] = marks;
  if (!url || !open || !close) return text.slice(node.from, node.to);
  return anchor(text.slice(url.from, url.to), inlineBetween(node, text, open.to, close.from));
}

function inlineBetween(node: SyntaxNode, text: string, from: number, to: number): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = from;
  for (const child of childrenOf(node)) {
    if (child.from < from || child.to > to) continue;
    if (child.from > at) parts.push(text.slice(at, child.from));
    parts.push(drawInline(child, text));
    at = child.to;
  }
  if (to > at) parts.push(text.slice(at, to));
  return parts;
}

function anchor(address: string, shown: ComponentChildren): ComponentChildren {
  const safe = safeAddress(address);
  if (safe === null) return shown;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer">
      {shown}
    </a>
  );
}

function picture(node: SyntaxNode, text: string): ComponentChildren {
  const url = node.getChild("URL");
  const [open, close] = node.getChildren("LinkMark");
  if (!url || !open || !close) return text.slice(node.from, node.to);
  return (
    <RemotePicture address={text.slice(url.from, url.to)} name={text.slice(open.to, close.from)} />
  );
}

function entity(own: string): string {
  const holder = document.createElement("textarea");
  holder.innerHTML = own; // one entity, which is no element
  return holder.value;
}

function trimStart(parts: ComponentChildren[]): void {
  const at = parts.findIndex((part) => part !== null);
  const first = parts[at];
  if (typeof first === "string") parts[at] = first.trimStart();
}
