/** One prompt that several models are asked, or one several times. */

import { request } from "./rest.ts";

export interface AskedAnswer {
  readonly candidate: number;
  readonly state: "completed" | "failed" | "interrupted" | "running";
  readonly model: string | null;
  readonly text: string;
  readonly value?: unknown;
  readonly call_id: string | null;
  readonly provider: string | null;
  readonly answered_by: string | null;
  readonly duration_s: number | null;
  readonly output_tokens: number | null;
  readonly finish_reason: string | null;
  readonly error: string | null;
}

export interface Comparison {
  readonly id: string;
  readonly cell_id: string;
  readonly item: number | null;
  readonly ended: boolean;
  readonly answers: readonly AskedAnswer[];
}

const cell = (id: string, cellId: string) =>
  `notebooks/${encodeURIComponent(id)}/cells/${encodeURIComponent(cellId)}/ask`;

export const askApi = {
  /** Ask; sent twice with the same id, it asks once. */
  ask: (id: string, cellId: string, models: readonly { readonly model?: string }[], times: number, item: number | null, newId: string) =>
    request<Comparison>("POST", cell(id, cellId), {
      body: { models, times, ...(item === null ? {} : { item }) },
      headers: { "Idempotency-Key": newId },
    }),
  show: (id: string, cellId: string, comparison: string) =>
    request<Comparison>("GET", `${cell(id, cellId)}/${comparison}`),
  stop: (id: string, cellId: string, comparison: string, candidate: number) =>
    request<Comparison>("POST", `${cell(id, cellId)}/${comparison}/interrupt?candidate=${candidate}`),
};
