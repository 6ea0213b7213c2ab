/** The answers of a prompt: their versions, which is in use, and how they differ. */

import { request } from "./rest.ts";
import type { Cell } from "./shapes.ts";

export interface AnswerVersion {
  readonly id: string;
  /** From 1, the oldest first. */
  readonly number: number;
  readonly kind: "answer" | "edited";
  readonly in_use: boolean;
  readonly item: number | null;
  readonly at: string | null;
  readonly excerpt: string;
  readonly words: number;
  readonly model: string | null;
  readonly provider: string | null;
  readonly temperature: number | null;
  readonly duration_s: number | null;
  readonly output_tokens: number | null;
  readonly price_usd: number | null;
  readonly finish_reason: string | null;
}

export interface AnswerPage {
  /** For `If-Match`. */
  readonly version: string;
  readonly total: number;
  readonly in_use: string | null;
  readonly answers: readonly AnswerVersion[];
  readonly next: number | null;
  readonly dependents: readonly string[];
}

/** Which answers have a part: both, the one that is looked at, or the one in use. */
export interface TextPart {
  readonly side: "both" | "in_use" | "this";
  readonly text: string;
}

export interface TextBlock {
  readonly kind: "code" | "prose";
  readonly language?: string;
  readonly parts: readonly TextPart[];
  readonly is_cut?: boolean;
}

export interface AnswerDetail extends AnswerVersion {
  readonly text: string;
  readonly value?: unknown;
  readonly reasoning: string;
  readonly difference: readonly TextBlock[];
  readonly asked: readonly { readonly path: string; readonly this: string | null; readonly in_use: string | null }[];
}

/** How many answers each prompt has, which it shows, and what these took. */
export interface AnswersInUse {
  readonly cells: readonly {
    readonly cell_id: string;
    readonly total: number;
    readonly number: number | null;
    readonly in_use: string | null;
  }[];
  readonly calls: readonly AnswerCall[];
}

export interface AnswerCall {
  readonly id: string;
  readonly started_at: string;
  readonly duration_s: number | null;
  readonly price_usd: number | null;
}

const notebook = (id: string) => `notebooks/${encodeURIComponent(id)}`;
const cell = (id: string, cellId: string) => `${notebook(id)}/cells/${encodeURIComponent(cellId)}`;
const one = (id: string, cellId: string, answerId: string) =>
  `${cell(id, cellId)}/answers/${encodeURIComponent(answerId)}`;
const ofItem = (item: number | null) => (item === null ? "" : `?item=${item}`);
const ifMatch = (version: string | null) =>
  version === null ? {} : { headers: { "If-Match": `"${version}"` } };

export const answersApi = {
  inUse: (id: string) => request<AnswersInUse>("GET", `${notebook(id)}/answers`),
  list: (id: string, cellId: string, item: number | null, before: number | null = null) => {
    const query = new URLSearchParams();
    if (item !== null) query.set("item", String(item));
    if (before !== null) query.set("before", String(before));
    return request<AnswerPage>("GET", `${cell(id, cellId)}/answers?${query}`);
  },
  show: (id: string, cellId: string, answerId: string, item: number | null) =>
    request<AnswerDetail>("GET", one(id, cellId, answerId) + ofItem(item)),
  use: (id: string, cellId: string, answerId: string, item: number | null, version: string | null) =>
    request<Cell>("POST", `${one(id, cellId, answerId)}/use${ofItem(item)}`, ifMatch(version)),
  edit: (
    id: string,
    cellId: string,
    answer: { readonly content: string } | { readonly value: unknown },
    item: number | null,
    version: string | null,
  ) =>
    request<Cell>("PUT", `${cell(id, cellId)}/answer`, {
      body: item === null ? answer : { ...answer, item },
      ...ifMatch(version),
    }),
};
