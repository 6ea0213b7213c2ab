/** Lists that grow at their end, drawn as elements: each item once, while it stays the same. */

import type { Chunks } from "./chunks.ts";
import { append, type Child } from "../ui/dom/jsx-runtime.ts";
import { endViews, startViews } from "../ui/dom/views.ts";

/** What is drawn of an item. */
export interface Drawing<Item> {
  readonly child: Child;
  /** Draws in place what an item has become; gives whether it could. */
  readonly grow?: (item: Item) => boolean;
}

interface Kept<Item> {
  item: Item;
  readonly nodes: readonly ChildNode[];
  readonly grow: ((item: Item) => boolean) | undefined;
}

/** The items of a chunk, in an element. */
class DrawnChunk<Item> {
  readonly #parent: Element;
  readonly #draw: (item: Item) => Drawing<Item>;
  #kept: Kept<Item>[] = [];
  #isSettled = false;

  constructor(parent: Element, draw: (item: Item) => Drawing<Item>) {
    this.#parent = parent;
    this.#draw = draw;
  }

  show(items: readonly Item[]): void {
    if (this.#isSettled) this.clear();
    let same = 0;
    for (const item of items) {
      const kept = this.#kept[same];
      if (!kept || (kept.item !== item && !kept.grow?.(item))) break;
      kept.item = item;
      same++;
    }
    this.#removeFrom(same);
    for (const item of items.slice(same)) {
      const { child, grow } = this.#draw(item);
      const part = document.createDocumentFragment();
      append(part, child);
      const nodes = [...part.childNodes];
      this.#kept.push({ item, nodes, grow });
      this.#parent.append(part);
      for (const node of nodes) if (node instanceof Element) startViews(node);
    }
  }

  /** Forget how it was drawn: it is full. What is alone in its element can be cleared without. */
  settle(): void {
    this.#isSettled = true;
    this.#kept = [];
  }

  clear(): void {
    this.#isSettled = false;
    this.#kept = [];
    endViews(this.#parent);
    this.#parent.replaceChildren();
  }

  remove(): void {
    this.#removeFrom(0);
  }

  #removeFrom(at: number): void {
    for (const { nodes } of this.#kept.splice(at)) {
      for (const node of nodes) {
        if (node instanceof Element) endViews(node);
        node.remove();
      }
    }
  }
}

/** A list in chunks. One that is full and stays the same is not looked at again. */
export class DrawnChunks<Item> {
  readonly #parent: Element;
  readonly #draw: (item: Item) => Drawing<Item>;
  readonly #box: (() => Element) | null;
  #settled = 0;
  #chunks: { items: readonly Item[] | null; readonly drawn: DrawnChunk<Item>; readonly box: Element | null }[] = [];

  /** @param box Makes an element for each chunk; null: all items are in the parent itself. */
  constructor(parent: Element, draw: (item: Item) => Drawing<Item>, box: (() => Element) | null = null) {
    this.#parent = parent;
    this.#draw = draw;
    this.#box = box;
  }

  show(chunks: Chunks<Item>): void {
    // From the first that is another one on: without boxes, what is added comes behind all that is there.
    let same = 0;
    while (same < chunks.length && this.#chunks[same]?.items === chunks[same]) same++;
    for (const { drawn, box } of this.#chunks.splice(same < chunks.length ? same + 1 : same)) {
      if (box) drawn.clear();
      else drawn.remove();
      box?.remove();
    }
    // The last that is the same may be the one that grows.
    const full = Math.max(0, same - 1);
    for (const { drawn, box } of this.#chunks.slice(this.#settled, Math.max(this.#settled, full))) if (box) drawn.settle();
    this.#settled = full;
    chunks.slice(same).forEach((items, at) => {
      const chunk = (this.#chunks[same + at] ??= this.#begun());
      chunk.items = items;
      chunk.drawn.show(items);
    });
  }

  /** Forget what was drawn, and how: what comes next is another list. */
  settle(): void {
    for (const chunk of this.#chunks) {
      chunk.items = null;
      if (chunk.box) chunk.drawn.settle();
    }
    this.#settled = 0;
  }

  #begun() {
    const box = this.#box?.() ?? null;
    if (box) this.#parent.append(box);
    return { items: null, drawn: new DrawnChunk(box ?? this.#parent, this.#draw), box };
  }
}
