/** Cells that are dragged by their type's picture, within a notebook, to another one or to another window. */

import { signal } from "@preact/signals";
import type { OpenNotebook } from "../store/notebook.ts";
import { toNbformat } from "./clipboard.ts";
import { cellsFor, moveBefore } from "./commands.ts";

const TYPE = "application/vnd.llm-repl.cells+json";

/** Before which cell what is dragged would be put; "" for the end, null while nothing is dragged here. */
export const dropPlace = signal<string | null>(null);

let dragged: readonly string[] = [];
let source: OpenNotebook | null = null;

export const dragging = {
  /** The notebook whose cells may be dragged. */
  of(notebook: OpenNotebook): void {
    source = notebook;
  },
  start(event: DragEvent, id: string): void {
    if (!source || !event.dataTransfer) return;
    const notebook = source;
    dragged = cellsFor(id);
    const cells = dragged.map((each) => notebook.view(each).cell.peek()).filter((cell) => cell !== undefined);
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData(TYPE, JSON.stringify({ notebook: notebook.id }));
    event.dataTransfer.setData("text/plain", toNbformat(cells));
    const article = (event.target as HTMLElement).closest("article");
    if (article) event.dataTransfer.setDragImage(article, 16, 16);
  },
  isCells: (event: DragEvent) => event.dataTransfer?.types.includes(TYPE) ?? false,
  over(event: DragEvent): void {
    event.preventDefault();
    dropPlace.value = placeUnder(event);
  },
  leave(): void {
    dropPlace.value = null;
  },
  /** Move cells of this notebook; gives the text of those of another one, which are pasted. */
  drop(event: DragEvent, notebook: OpenNotebook): { text: string; before: string | null } | null {
    event.preventDefault();
    const before = placeUnder(event) || null;
    dropPlace.value = null;
    const told = JSON.parse(event.dataTransfer?.getData(TYPE) || "{}") as { notebook?: string };
    const isOwn = told.notebook === notebook.id && dragged.every((id) => notebook.order.peek().includes(id));
    if (isOwn && dragged.length) {
      moveBefore(notebook, dragged, before);
      dragged = [];
      return null;
    }
    return { text: event.dataTransfer?.getData("text/plain") ?? "", before };
  },
};

/** Before which cell the pointer is: above its middle, or below that of the one before it. */
function placeUnder(event: DragEvent): string {
  for (const article of document.querySelectorAll<HTMLElement>("article.cell")) {
    const { top, height } = article.getBoundingClientRect();
    if (event.clientY < top + height / 2) return article.id.replace(/^cell-/, "");
  }
  return "";
}
