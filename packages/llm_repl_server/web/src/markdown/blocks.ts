/**
 * Cuts Markdown into blocks, also while it is still coming.
 *
 * A block that another one follows is finished: what comes later never changes it, so that it is
 * parsed and drawn once. Of the last block, the same holds for its parts: the items of a list, the
 * rows of a table, the lines of code, the first thousands of characters of a paragraph. What is
 * looked at again when text is added is the last part alone.
 */

import type { SyntaxNode } from "@lezer/common";
import { copied, NO_TEXT, wholeText, type Pieces } from "../store/pieces.ts";
import { appended, type Chunks } from "./chunks.ts";
import { childrenOf, parse, type Piece } from "./parser.ts";
import { partEnd, partPrefix } from "./paragraphs.ts";

export type Block =
  | { readonly kind: "whole"; readonly piece: Piece }
  /** Parts of a list are its items, of a table its rows, of a paragraph pieces of its text. */
  | { readonly kind: "list" | "table" | "paragraph"; readonly first: Piece; readonly parts: Chunks<Piece> }
  | { readonly kind: "code"; readonly language: string; readonly parts: Chunks<string>; readonly isOpen: boolean };

type Grown = Exclude<Block, { kind: "whole" }>;
type WithCode = Grown & { readonly kind: "code" };
type WithPieces = Exclude<Grown, WithCode>;

const CODE_LINES = 40;
/** A paragraph is laid out by so many parts at once, while it grows. */
const STRETCH = 4;
/** A last block without parts that is longer than this is parsed again when it has grown by a share. */
const LONG = 4_000;
const LEAST_GROWTH = 1.03;
/** A line of so many characters stays what it is. */
const SURE_LINE = 200;

/** Blocks of a text that grows. */
export class GrowingBlocks {
  /** All of them: those that are finished, and the last, which may change. */
  blocks: Chunks<Block> = [];
  /** What has been taken in so far, to be known again. */
  #seen: Pieces = NO_TEXT;
  #ended = true;
  #isForgotten = false;
  #done: Chunks<Block> = [];
  /** The last block, where it has parts and may get more, with those that are finished. */
  #open: Grown | null = null;
  /** What is not finished: drawn, and parsed again. */
  #tail: readonly Block[] = [];
  /** The text that is parsed again: it begins at a block, or at a part of `#open`. */
  #rest = "";
  /** What stands before it, so that it is parsed as what it is. */
  #prefix = "";
  /** How long it was when it was parsed. */
  #parsed = 0;
  #fence = "";
  /** Whether it begins within a line of code, which is so long that it was cut. */
  #isMidLine = false;
  readonly #onParse: (length: number) => void;

  /** @param onParse Hears how many characters are parsed, each time. */
  constructor(onParse: (length: number) => void = () => {}) {
    this.#onParse = onParse;
  }

  /**
   * Take a text that begins with the one before, or another one; `ended`: nothing follows.
   *
   * Gives whether the blocks are other ones now.
   */
  update(text: Pieces, ended: boolean): boolean {
    let more = behind(this.#seen, text);
    this.#seen = text;
    if (more === "" && ended === this.#ended) return false;
    if (more === null || this.#isForgotten) {
      this.#begin();
      more = wholeText(text);
    }
    this.#rest += more;
    const waits = this.#parsed > LONG && this.#rest.length < this.#parsed * LEAST_GROWTH;
    if (waits && !ended) return false;
    this.#ended = ended;
    // Each turn takes in what is finished, until there is only what may still grow.
    while (this.#take());
    this.#parsed = this.#rest.length;
    this.blocks = appended(this.#done, this.#tail);
    return true;
  }

  /** Forget the blocks of a text that has ended, and know only whether another one is the same. */
  forget(): void {
    this.#begin();
    this.blocks = this.#tail = [];
    this.#isForgotten = true;
  }

  #begin(): void {
    this.#isForgotten = false;
    this.#done = [];
    this.#open = null;
    this.#rest = "";
    this.#prefix = "";
    this.#parsed = 0;
  }

  #drop(length: number): void {
    this.#rest = this.#rest.slice(length);
  }

  /** Take in what is finished; whether there was something. */
  #take(): boolean {
    this.#tail = [];
    if (this.#open?.kind === "code") return this.#takeCode(this.#open);
    const rest = this.#prefix + this.#rest;
    this.#onParse(rest.length);
    const nodes = parse(rest);
    const lastLine = rest.lastIndexOf("\n") + 1;
    // What a line is may change while it is short: "-" begins a list, or a rule, or is text.
    const sure = this.#ended || rest.length - lastLine > SURE_LINE ? rest.length + 1 : lastLine;
    return this.#open ? this.#takeParts(this.#open, rest, nodes, sure) : this.#takeBlocks(rest, nodes, sure);
  }

  #takeBlocks(rest: string, nodes: readonly SyntaxNode[], sure: number): boolean {
    const [first] = nodes;
    if (!first) return false;
    const last = nodes.findLast((node) => node.from < sure) ?? first;
    const start = lineStart(rest, last.from);
    if (start > 0) {
      const own = copied(rest.slice(0, start));
      this.#finish(nodes.slice(0, nodes.indexOf(last)).map((node) => whole(own, node)));
      this.#drop(start);
      return true; // nodes have to count from their own start
    }
    if (this.#opens({ text: rest, node: first })) return true;
    this.#tail = nodes.map((node) => whole(rest, node));
    return false;
  }

  /** Whether a block has parts, and is open for more from now on. */
  #opens(piece: Piece): boolean {
    const { text, node } = piece;
    const fence = node.name === "FencedCode" ? /^(`{3,}|~{3,})([^\n]*)\n/.exec(text) : null;
    if (fence) {
      this.#fence = fence[1] ?? "";
      this.#isMidLine = false;
      this.#drop(fence[0].length);
      const language = (fence[2] ?? "").trim().split(/\s/)[0] ?? "";
      this.#open = { kind: "code", language, parts: [], isOpen: true };
    } else if (isList(node) && node.getChildren("ListItem").length > 1) {
      this.#openParts("list", piece, 0, "");
    } else if (node.name === "Table" && node.getChildren("TableRow").length > 1) {
      const rows = lineStart(text, node.getChild("TableRow")?.from ?? 0);
      this.#openParts("table", piece, rows, copied(text.slice(0, rows)));
    } else if (node.name === "Paragraph" && partEnd(text.slice(node.from, node.to)) !== null) {
      this.#openParts("paragraph", piece, node.from, partPrefix);
    } else {
      return false;
    }
    return true;
  }

  #openParts(kind: "list" | "table" | "paragraph", piece: Piece, start: number, prefix: string): void {
    this.#open = { kind, first: { text: copied(piece.text), node: piece.node }, parts: [] };
    this.#drop(start);
    this.#prefix = prefix;
  }

  #takeParts(open: WithPieces, rest: string, nodes: readonly SyntaxNode[], sure: number): boolean {
    const [node, next] = nodes;
    const isSame = node?.name === open.first.node.name && (open.kind !== "list" || sameList(open.first, { text: rest, node }));
    if (!node || !isSame) {
      this.#close(open);
      return node !== undefined;
    }
    const isOver = next !== undefined && next.from < sure;
    const end = isOver ? lineStart(rest, next.from) : rest.length;
    if (open.kind === "paragraph") return this.#takeText(open, rest, nodes, isOver, end);
    const parts = childrenOf(node).filter(({ name }) => name === "ListItem" || name === "TableRow");
    if (isOver) {
      this.#drop(end - this.#prefix.length);
      this.#close(withParts(open, rest.slice(0, end), parts));
      return true;
    }
    const last = parts.findLast((part) => part.from < sure) ?? parts[0];
    const start = lineStart(rest, last?.from ?? 0);
    if (last && start > this.#prefix.length) {
      this.#open = withParts(open, rest.slice(0, start), parts.slice(0, parts.indexOf(last)));
      this.#drop(start - this.#prefix.length);
      return true;
    }
    const pieces = parts.map((part) => ({ text: rest, node: part }));
    this.#tail = [{ ...open, parts: appended(open.parts, pieces) }, ...nodes.slice(1).map((one) => whole(rest, one))];
    return false;
  }

  #takeText(open: WithPieces, rest: string, nodes: readonly SyntaxNode[], isOver: boolean, end: number): boolean {
    const [node] = nodes;
    if (!node) return false;
    const cut = partEnd(rest.slice(this.#prefix.length, node.to));
    if (cut !== null) {
      const own = copied(rest.slice(0, this.#prefix.length + cut));
      this.#open = withParts(open, own, parse(own).slice(0, 1));
      this.#drop(cut);
      return true;
    }
    if (isOver) {
      this.#drop(end - this.#prefix.length);
      this.#close(withParts(open, rest.slice(0, end), [node]));
      return true;
    }
    const parts = appended(open.parts, [{ text: rest, node }], STRETCH);
    this.#tail = [{ ...open, parts }, ...nodes.slice(1).map((one) => whole(rest, one))];
    return false;
  }

  /** Lines of code: nothing in them is Markdown, until the line that closes it. */
  #takeCode(open: WithCode): boolean {
    const closes = new RegExp(`^ {0,3}${this.#fence[0]}{${this.#fence.length},}[ \\t]*$`);
    const text = this.#rest;
    let lines = "";
    let count = 0;
    for (let at = 0; ; ) {
      const newline = text.indexOf("\n", at);
      const line = text.slice(at, newline === -1 ? text.length : newline);
      const begins = !(this.#isMidLine && at === 0);
      if (begins && closes.test(line) && (newline !== -1 || this.#ended)) {
        this.#drop(newline === -1 ? text.length : newline + 1);
        this.#close({ ...open, parts: appended(open.parts, lines ? [copied(lines)] : []), isOpen: false });
        return this.#rest !== "";
      }
      if (line.length > LONG || count === CODE_LINES) {
        this.#isMidLine = line.length > LONG;
        if (this.#isMidLine) lines += text.slice(at, (at += LONG));
        this.#open = { ...open, parts: appended(open.parts, [copied(lines)]) };
        this.#drop(at);
        return true;
      }
      if (newline === -1) {
        // What may become the closing line is not shown as code in between.
        const shown = !this.#ended && begins && /^ {0,3}[`~]+$/.test(line) ? "" : line;
        const last = lines + shown;
        this.#tail = [{ ...open, parts: appended(open.parts, last ? [last] : []), isOpen: !this.#ended }];
        return false;
      }
      lines += `${line}\n`;
      count++;
      at = newline + 1;
    }
  }

  #finish(blocks: readonly Block[]): void {
    this.#done = appended(this.#done, blocks);
  }

  #close(block: Grown): void {
    if (block.kind === "code" || block.parts.length) this.#finish([block]);
    this.#open = null;
    this.#prefix = "";
  }
}

function whole(text: string, node: SyntaxNode): Block {
  return { kind: "whole", piece: { text, node } };
}

function withParts(open: WithPieces, text: string, nodes: readonly SyntaxNode[]): WithPieces {
  const own = copied(text);
  const pieces = nodes.map((node) => ({ text: own, node }));
  return { ...open, parts: appended(open.parts, pieces, open.kind === "paragraph" ? STRETCH : undefined) };
}

const isList = (node: SyntaxNode) => node.name === "BulletList" || node.name === "OrderedList";

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** Whether a list goes on with another one: by the same mark. */
function sameList(first: Piece, next: Piece): boolean {
  const mark = ({ node, text }: Piece) => {
    const own = node.firstChild?.getChild("ListMark");
    return own ? text[own.to - 1] : "";
  };
  return mark(first) === mark(next);
}

/** What stands behind a text in one that begins with it; null: it does not. */
function behind(before: Pieces, now: Pieces): string | null {
  // Those that are full are the same, mostly.
  let same = 0;
  while (same < before.length && before[same] === now[same]) same++;
  if (same === before.length) return wholeText(now.slice(same));
  const [was, is] = [wholeText(before.slice(same)), wholeText(now.slice(same))];
  // Not startsWith(): engines compare whole strings by far faster.
  return is.slice(0, was.length) === was ? is.slice(was.length) : null;
}
