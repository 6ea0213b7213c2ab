/** Draws Markdown as elements, never as HTML text: nothing in it can run. */

import type { SyntaxNode } from "@lezer/common";
import type { ComponentChildren, VNode } from "preact";
import { memo } from "preact/compat";
import { useMemo, useRef } from "preact/hooks";
import { Fence } from "./fence.tsx";
import { GrowingBlocks, parseBlocks, type Block } from "./blocks.ts";
import { safeAddress } from "./addresses.ts";
import { RemotePicture } from "./remote-picture.tsx";

/** A text that does not change often. */
export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => parseBlocks(text), [text]);
  return (
    <>
      {blocks.map((block, at) => (
        <BlockView key={at} block={block} />
      ))}
    </>
  );
}

/** A text that grows: its finished blocks are drawn once. */
export function GrowingMarkdown({ text }: { text: string }) {
  const growing = useRef<GrowingBlocks>(null);
  growing.current ??= new GrowingBlocks();
  growing.current.update(text);
  const { finished, last } = growing.current;
  return (
    <>
      {finished.map((block, at) => (
        <BlockView key={at} block={block} />
      ))}
      {last && <BlockView key={finished.length} block={last} />}
    </>
  );
}

const BlockView = memo(
  ({ block }: { block: Block }) => drawBlock(block.node, block.text),
  (before, after) => before.block === after.block,
);

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
      return <p>{inline(node, text)}</p>;
    case "Task":
      return <span>{inline(node, text)}</span>;
    case "Blockquote":
      return <blockquote>{blocksIn(node, text)}</blockquote>;
    case "BulletList":
      return <ul>{items(node, text)}</ul>;
    case "OrderedList":
      return <ol start={firstNumber(node, text)}>{items(node, text)}</ol>;
    case "FencedCode":
    case "CodeBlock":
      return <Fence language={infoOf(node, text)} code={codeIn(node, text)} />;
    case "Table":
      return table(node, text);
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
  return children(node).map((child) => drawBlock(child, text));
}

function items(list: SyntaxNode, text: string): ComponentChildren {
  return children(list)
    .filter((child) => child.name === "ListItem")
    .map((item) => {
      const blocks = children(item).filter((child) => child.name !== "ListMark");
      const [only] = blocks;
      const tight = blocks.length === 1 && (only?.name === "Paragraph" || only?.name === "Task");
      return <li>{tight && only ? inline(only, text) : blocksIn(item, text)}</li>;
    });
}

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

function table(node: SyntaxNode, text: string): VNode {
  const head = node.getChild("TableHeader");
  return (
    <div class="scrolls">
      <table class="grid">
        {head && <thead>{row(head, text, "th")}</thead>}
        <tbody>{node.getChildren("TableRow").map((one) => row(one, text, "td"))}</tbody>
      </table>
    </div>
  );
}

function row(node: SyntaxNode, text: string, Cell: "th" | "td"): VNode {
  return (
    <tr>
      {node.getChildren("TableCell").map((cell) => (
        <Cell>{inline(cell, text)}</Cell>
      ))}
    </tr>
  );
}

/** The text of a node with what stands in it, without the marks that make it. */
function inline(node: SyntaxNode, text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let at = node.from;
  for (const child of children(node)) {
    if (child.from > at) parts.push(text.slice(at, child.from));
    parts.push(drawInline(child, text));
    at = child.to;
  }
  if (node.to > at) parts.push(text.slice(at, node.to));
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

function inlineBetween(node: SyntaxNode, text: string, from: number, to: number): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let at = from;
  for (const child of children(node)) {
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
    <a href={safe} target="_blank" rel="noopener noreferrer">
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

function children(node: SyntaxNode): SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) all.push(child);
  return all;
}

function trimStart(parts: ComponentChildren[]): void {
  const at = parts.findIndex((part) => part !== null);
  const first = parts[at];
  if (typeof first === "string") parts[at] = first.trimStart();
}
