/** Draws Markdown as elements, never as HTML text: nothing in it can run. */
/** @jsxImportSource ../ui/dom */

import type { SyntaxNode } from "@lezer/common";
import { h } from "preact";
import { copied } from "../store/pieces.ts";
import { scrolls } from "../ui/scrolls.ts";
import { safeAddress } from "./addresses.ts";
import type { Block } from "./blocks.ts";
import type { Chunks } from "./chunks.ts";
import type { Child } from "../ui/dom/jsx-runtime.ts";
import { DrawnChunks, type Drawing } from "./drawn.ts";
import { Fence } from "./fence.tsx";
import { classOf, FormulaIn } from "./formula.tsx";
import { formulaIn, formulaInBlock } from "./math.ts";
import { morph } from "../ui/dom/morph.ts";
import { paragraphParts, partPrefix } from "./paragraphs.ts";
import { childrenOf, parse, type Piece } from "./parser.ts";
import { remotePicture } from "./remote-picture.tsx";
import { shownIn, startViews, withView } from "../ui/dom/views.ts";

/** What can be done with a text, where it is drawn. */
export interface Ways {
  /** What makes a cell of a piece of code; null: nothing does here. */
  toCell: ((code: string) => void) | null;
}

/** Draws blocks into an element: each in a passage with others, which is laid out by itself. */
export function drawInto(place: Element, ways: Ways): DrawnChunks<Block> {
  return new DrawnChunks(place, (block) => drawGrown(block, ways), () => <div class="passage" />);
}

function drawGrown(block: Block, ways: Ways): Drawing<Block> {
  switch (block.kind) {
    case "whole": {
      const draw = ({ node, text }: Piece) => drawBlock(node, text, ways);
      const child = draw(block.piece);
      // The last one, which changes as it grows.
      const grow = (now: Block) => {
        if (now.kind !== "whole") return false;
        const next = draw(now.piece);
        if (!child || !next || child.tagName !== next.tagName || shownIn(child) !== shownIn(next)) return false;
        morph(child, next);
        return true;
      };
      return { child, grow };
    }
    case "code": {
      const place = <div class="fence" />;
      const show = ({ language, parts, isOpen }: Code) =>
        withView(place, "code that grows", h(Fence, { language, parts, isOpen, toCell: toCellOf(ways) }));
      show(block);
      const grow = (now: Block) => {
        if (now.kind !== "code") return false;
        startViews(show(now));
        return true;
      };
      return { child: place, grow };
    }
    case "list": {
      const list = drawList(block.first, null);
      const items = new DrawnChunks<Piece>(list, ({ node, text }) => ({ child: drawItem(node, text, ways) }));
      return grown(block, list, items);
    }
    case "table": {
      const rows = <tbody />;
      const drawn = new DrawnChunks<Piece>(rows, ({ node, text }) => ({
        child: row(node, text, "td", node.parent ? alignmentOf(node.parent, text) : []),
      }));
      return grown(block, drawTable(block.first, rows), drawn);
    }
    case "paragraph": {
      const paragraph = <p />;
      // While it grows, each stretch is laid out for itself: what is added costs the same, however long it is.
      const drawn = new DrawnChunks<Piece>(
        paragraph,
        ({ node, text }) => ({ child: inlineBetween(node, text, partPrefix.length, node.to) }),
        () => <span class="stretch" />,
      );
      return grown(block, paragraph, drawn);
    }
  }
}

type Code = Block & { readonly kind: "code" };

interface WithPieces {
  readonly first: Piece;
  readonly parts: Chunks<Piece>;
}

/** A block whose parts are added to while it is the same one. */
function grown(block: WithPieces, child: Element, drawn: DrawnChunks<Piece>): Drawing<Block> {
  drawn.show(block.parts);
  const grow = (now: Block) => {
    if (!("first" in now) || now.first !== block.first) return false;
    drawn.show(now.parts);
    return true;
  };
  return { child, grow };
}

function drawBlock(node: SyntaxNode, text: string, ways: Ways): HTMLElement | null {
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
      return <blockquote>{blocksIn(node, text, ways)}</blockquote>;
    case "BulletList":
    case "OrderedList":
      return drawList({ node, text }, node.getChildren("ListItem").map((item) => drawItem(item, text, ways)));
    case "FencedCode":
    case "CodeBlock":
      return fence(infoOf(node, text), codeIn(node, text), ways);
    case "Table":
      return drawTable(
        { node, text },
        <tbody>{node.getChildren("TableRow").map((one) => row(one, text, "td", alignmentOf(node, text)))}</tbody>,
      );
    case "MathBlock": {
      const own = text.slice(node.from, node.to);
      const source = formulaInBlock(own);
      return source === null ? <p class="source">{own}</p> : formula(source, true);
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

function fence(language: string, code: string, ways: Ways): HTMLElement {
  const props = { language, parts: [[code]], isOpen: false, toCell: toCellOf(ways) };
  return withView(<div class="fence" />, `${language}\n${code}`, h(Fence, props));
}

/** By what is the way when it is pressed. */
function toCellOf(ways: Ways): ((code: string) => void) | null {
  return ways.toCell && ((code) => ways.toCell?.(code));
}

function blocksIn(node: SyntaxNode, text: string, ways: Ways): Child {
  return childrenOf(node).map((child) => drawBlock(child, text, ways));
}

function drawList({ node, text }: Piece, items: Child): HTMLElement {
  return node.name === "BulletList" ? <ul>{items}</ul> : <ol start={firstNumber(node, text)}>{items}</ol>;
}

function drawItem(item: SyntaxNode, text: string, ways: Ways): HTMLElement {
  const blocks = childrenOf(item).filter((child) => child.name !== "ListMark");
  // A text beside its mark needs no paragraph of its own, whatever is nested below it.
  return (
    <li class={blocks[0]?.name === "Task" ? "task" : undefined}>
      {blocks.map((child, at) => (at === 0 && isText(child) ? inline(child, text) : drawBlock(child, text, ways)))}
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
  return copied(node.getChildren("CodeText").map((part) => text.slice(part.from, part.to)).join(""));
}

function drawTable({ node, text }: Piece, body: HTMLElement): HTMLElement {
  const head = node.getChild("TableHeader");
  const box = (
    <div class="scrolls">
      <table class="grid">
        {head && <thead>{row(head, text, "th", alignmentOf(node, text))}</thead>}
        {body}
      </table>
    </div>
  );
  scrolls(box); // it is watched as long as it is there
  return box;
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

function row(node: SyntaxNode, text: string, Cell: "th" | "td", alignment: readonly (string | undefined)[]): HTMLElement {
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

function inParts(node: SyntaxNode, text: string): Child {
  const own = paragraphParts(text.slice(node.from, node.to));
  if (own.length === 1) return inline(node, text);
  return own.map((part) => {
    const [paragraph] = parse(part);
    return paragraph ? inlineBetween(paragraph, part, partPrefix.length, part.length) : part.slice(partPrefix.length);
  });
}

/** The text of a node with what stands in it, without the marks that make it. */
function inline(node: SyntaxNode, text: string): Child[] {
  const parts = inlineBetween(node, text, node.from, node.to);
  trimStart(parts);
  return parts;
}

function drawInline(node: SyntaxNode, text: string): Child {
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
      return formula(formulaIn(own), node.name === "DisplayMath");
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

function link(node: SyntaxNode, text: string): Child {
  const url = node.getChild("URL");
  const marks = node.getChildren("LinkMark");
  const [open, close] = marks;
  if (!url || !open || !close) return text.slice(node.from, node.to);
  return anchor(text.slice(url.from, url.to), inlineBetween(node, text, open.to, close.from));
}

function inlineBetween(node: SyntaxNode, text: string, from: number, to: number): Child[] {
  const parts: Child[] = [];
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

function anchor(address: string, shown: Child): Child {
  const safe = safeAddress(address);
  if (safe === null) return shown;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer">
      {shown}
    </a>
  );
}

function picture(node: SyntaxNode, text: string): Child {
  const url = node.getChild("URL");
  const [open, close] = node.getChildren("LinkMark");
  if (!url || !open || !close) return text.slice(node.from, node.to);
  return remotePicture(text.slice(url.from, url.to), text.slice(open.to, close.from));
}

function formula(source: string, isDisplay: boolean): HTMLElement {
  const place = <span class={classOf(isDisplay)} role="math" aria-label={source} />;
  return withView(place, source, h(FormulaIn, { source, isDisplay }));
}

function entity(own: string): string {
  const holder = document.createElement("textarea");
  holder.innerHTML = own; // one entity, which is no element
  return holder.value;
}

function trimStart(parts: Child[]): void {
  const at = parts.findIndex((part) => part !== null);
  const first = parts[at];
  if (typeof first === "string") parts[at] = first.trimStart();
}
