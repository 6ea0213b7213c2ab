/** The list of notebooks: what the server has of it, in which order it is shown, and what is looked for. */

import { computed, signal } from "@preact/signals";
import { toast } from "../ui/toasts.tsx";
import { rest, RestError } from "../wire/rest.ts";
import { orderBy, sortNotebooks, type Order, type SortKey } from "./list-order.ts";
import { searchApi, type Overview, type SearchResult } from "../wire/search.ts";
import type { NotebookSummary } from "../wire/shapes.ts";

/** How many are drawn before somebody asks for more. */
export const SHOWN_AT_FIRST = 100;

/** Of how many it is asked at once how they are: an address has room for so many ids. */
const AT_ONCE = 60;

/** Null: not read yet. */
export const notebooks = signal<readonly NotebookSummary[] | null>(null);
export const overviews = signal<ReadonlyMap<string, Overview>>(new Map());
export const order = signal<Order>({ by: "edited", isDown: true });
export const shownCount = signal(SHOWN_AT_FIRST);

export const sorted = computed(() => sortNotebooks(notebooks.value ?? [], overviews.value, order.value));

let isReading = false;
let isOutdated = false;

/** Read the list; asked for while it is read, it is read once more. */
export async function readList(): Promise<void> {
  isOutdated = true;
  if (isReading) return;
  isReading = true;
  try {
    while (isOutdated) {
      isOutdated = false;
      notebooks.value = await rest.listNotebooks();
      await readOverviews();
    }
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    toast(error.message);
  } finally {
    isReading = false;
  }
}

/** Whether what is shown changes by itself. */
export const isMoving = computed(() =>
  [...overviews.value.values()].some(({ state }) => state === "running" || state === "queued"),
);

/** How those are that are shown. All of them where they are sorted by what this tells. */
export async function readOverviews(): Promise<void> {
  const all = order.peek().by === "spent" ? (notebooks.peek() ?? []) : sorted.peek().slice(0, shownCount.peek());
  for (let start = 0; start < all.length; start += AT_ONCE) {
    const ids = all.slice(start, start + AT_ONCE).map(({ id }) => id);
    const read = await searchApi.overview(ids);
    overviews.value = new Map([...overviews.peek(), ...read.map((each) => [each.notebook_id, each] as const)]);
  }
}

export async function sortBy(by: SortKey): Promise<void> {
  order.value = orderBy(by, order.peek());
  await readOverviews();
}

export async function showAll(): Promise<void> {
  shownCount.value = Infinity;
  await readOverviews();
}

// What is looked for -----------------------------------------------------------------------------

export const query = signal("");
/** Null: nothing is looked for, or it has not been found yet. */
export const found = signal<SearchResult | null>(null);

const PAUSE_MS = 200;
let waiting: ReturnType<typeof setTimeout> | undefined;
let asking: AbortController | undefined;

export function find(words: string): void {
  query.value = words;
  clearTimeout(waiting);
  asking?.abort();
  if (!words.trim()) {
    found.value = null;
    return;
  }
  waiting = setTimeout(() => void ask(words, null), PAUSE_MS);
}

export async function findMore(): Promise<void> {
  if (found.peek()?.next) await ask(query.peek(), found.peek()?.next ?? null);
}

async function ask(words: string, cursor: string | null): Promise<void> {
  asking = new AbortController();
  const { signal: own } = asking;
  try {
    const page = await searchApi.search(words, cursor, own);
    if (own.aborted) return;
    const before = cursor === null ? null : found.peek();
    found.value = before
      ? { ...page, notebooks: [...before.notebooks, ...page.notebooks], calls: before.calls }
      : page;
  } catch (error) {
    if (error instanceof RestError) toast(error.message);
    else if (!own.aborted) throw error;
  }
}
