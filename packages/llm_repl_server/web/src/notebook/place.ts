/** Keeps the reader's place over a reload: what stood at the top of the window, and the cell in focus. */

import { editCell, editing, focusCell, focused } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";

interface Place {
  readonly cellId: string;
  /** Which of the cell's long parts, -1: the cell itself. */
  readonly part: number;
  /** From the window's top to it, in CSS pixels. */
  readonly top: number;
  readonly focused: string | null;
  readonly isEdited: boolean;
}

const LONG_PARTS = ".passage, .stream .part";
/** For so many frames it has to stay where it is, and so many are given to it. */
const STAYS_FRAMES = 60;
const MOST_FRAMES = 900;
const ACTS = ["wheel", "touchstart", "keydown", "pointerdown"] as const;

/** Take up the place that was kept, and keep it whenever the page goes. Gives what ends it. */
export function keepPlace(notebook: OpenNotebook): () => void {
  const key = `llm-repl place ${notebook.id}`;
  const place = read(key);
  let isTakenUp = place === null;
  const takingUp = place && takeUp(notebook, place, () => (isTakenUp = true));
  const note = () => {
    const now = isTakenUp ? placeOf(notebook) : null;
    if (now) keep(key, now);
  };
  const noteIfHidden = () => document.hidden && note();
  const restoration = history.scrollRestoration;
  history.scrollRestoration = "manual";
  addEventListener("pagehide", note);
  document.addEventListener("visibilitychange", noteIfHidden); // a telephone may end it then, and say no more
  return () => {
    takingUp?.();
    note();
    history.scrollRestoration = restoration;
    removeEventListener("pagehide", note);
    document.removeEventListener("visibilitychange", noteIfHidden);
  };
}

function placeOf(notebook: OpenNotebook): Place | null {
  const edge = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
  const isSeen = (element: Element) => element.getBoundingClientRect().bottom > edge;
  const order = notebook.order.peek();
  const cellId = order.find((id) => {
    const cell = elementOf(id);
    return cell !== null && isSeen(cell);
  });
  const cell = cellId === undefined ? null : elementOf(cellId);
  if (cellId === undefined || !cell) return null;
  const parts = [...cell.querySelectorAll(LONG_PARTS)];
  // Above a part that begins in the window, the cell itself is what stays.
  const part = parts.findIndex((one) => isSeen(one) && one.getBoundingClientRect().top <= edge);
  const top = (parts[part] ?? cell).getBoundingClientRect().top;
  return { cellId, part, top, focused: focused.peek(), isEdited: editing.peek() !== null };
}

/** What is above gets its true height as it is laid out, and cells are drawn one after the other: look until it stays. */
function takeUp(notebook: OpenNotebook, place: Place, done: () => void): () => void {
  let frame = 0;
  let frames = 0;
  let stays = 0;
  let hasFocus = false;
  const stop = () => {
    cancelAnimationFrame(frame);
    for (const name of ACTS) removeEventListener(name, stop, true);
    done();
  };
  const look = () => {
    frame = requestAnimationFrame(look);
    if (notebook.presence.peek() === "loading") return;
    const order = notebook.order.peek();
    if (!hasFocus) {
      hasFocus = true;
      if (place.focused && order.includes(place.focused)) takeFocus(place.focused, place.isEdited);
    }
    const cell = elementOf(place.cellId);
    frames += 1;
    if (frames > MOST_FRAMES || !order.includes(place.cellId)) return stop();
    if (!cell) return;
    const part = place.part < 0 ? cell : cell.querySelectorAll(LONG_PARTS)[place.part];
    const off = (part ?? cell).getBoundingClientRect().top - place.top;
    if (Math.abs(off) >= 1) scrollBy({ top: off, behavior: "instant" });
    const last = order.at(-1);
    const isWhole = last === undefined || elementOf(last) !== null;
    stays = isWhole && Math.abs(off) < 1 ? stays + 1 : 0;
    if (stays >= STAYS_FRAMES) stop();
  };
  for (const name of ACTS) addEventListener(name, stop, { capture: true, passive: true });
  frame = requestAnimationFrame(look);
  return stop;
}

function takeFocus(id: string, isEdited: boolean): void {
  if (isEdited) editCell(id);
  else focusCell(id);
}

function elementOf(id: string): HTMLElement | null {
  return document.getElementById(`cell-${id}`);
}

function keep(key: string, place: Place): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(place));
  } catch {
    // A private window, or a full one: then the page begins at its top.
  }
}

function read(key: string): Place | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as Place | null;
  } catch {
    return null;
  }
}
