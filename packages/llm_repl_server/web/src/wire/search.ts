/** Search over all notebooks and calls, and how notebooks are. */

import { request } from "./rest.ts";

/** A piece of a text; the marks count characters, not UTF-16 units. */
export interface Snippet {
  readonly text: string;
  readonly marks: readonly (readonly [number, number])[];
}

export interface FoundCell {
  readonly cell_id: string;
  readonly number: number;
  readonly type: string;
  readonly place: "source" | "output";
  readonly snippet: Snippet;
}

export interface FoundNotebook {
  readonly notebook_id: string;
  readonly name: Snippet;
  readonly cells: readonly FoundCell[];
  readonly more: boolean;
}

export interface FoundCall {
  readonly call_id: string;
  readonly notebook_id: string;
  readonly cell_id: string;
  readonly model: string;
  readonly started_at: string;
  readonly place: "request" | "answer";
  readonly snippet: Snippet;
}

export interface SearchResult {
  readonly notebooks: readonly FoundNotebook[];
  readonly calls: readonly FoundCall[];
  readonly next: string | null;
}

export interface Overview {
  readonly notebook_id: string;
  readonly state: "done" | "empty" | "failed" | "not_run" | "queued" | "replay" | "running" | "stale";
  readonly lead: string;
  readonly cells: number;
  readonly ended: number;
  readonly stale: number;
  readonly stale_variable: string | null;
  readonly recorded: number;
  readonly asked: number;
  /** The file that it lives in; null: in none. */
  readonly file: string | null;
  readonly failed: number | null;
  readonly spent_usd: number;
}

export const searchApi = {
  search: (words: string, cursor: string | null, signal?: AbortSignal) =>
    request<SearchResult>(
      "GET",
      `search?${new URLSearchParams({ q: words, ...(cursor === null ? {} : { cursor }) })}`,
      signal ? { signal } : {},
    ),
  overview: (ids: readonly string[]) =>
    request<{ notebooks: readonly Overview[] }>("GET", `overview?${new URLSearchParams({ ids: ids.join(",") })}`).then(
      (answer) => answer.notebooks,
    ),
};
