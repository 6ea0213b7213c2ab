/** What will be sent and what it costs, before: the preview of a prompt, the plan of a run. */

import { request, type RunOptions } from "./rest.ts";
import type { Mode } from "./mode.ts";
import type { CellFields } from "./shapes.ts";

export type FieldState = "known" | "stale" | "unknown" | "failed" | "later" | "item";

export interface DraftField {
  readonly text: string;
  readonly place: "content" | "system";
  readonly line: number;
  readonly state: FieldState;
  readonly name: string | null;
  /** The name that was probably meant. */
  readonly nearest: string | null;
  readonly cell_id: string | null;
  readonly sentence: string;
}

export interface DraftPiece {
  readonly text: string;
  /** The field that it was filled into; null: the template's own text. */
  readonly field: string | null;
}

export interface DraftMessage {
  readonly role: string;
  readonly content: string;
  readonly characters: number;
  readonly cell_id: string | null;
  readonly attachments: readonly string[];
  readonly tokens: number;
  readonly pieces: readonly DraftPiece[];
}

/** What another model would take of the same prompt. */
export interface ModelOffer {
  readonly model: string;
  readonly provider: string;
  readonly price_usd: number | null;
  readonly on_record: number;
  readonly problem: string;
}

export interface DraftPreview {
  readonly provider: string;
  readonly model: string;
  readonly messages: readonly DraftMessage[];
  readonly message_count: number;
  readonly tools_tokens: number;
  readonly form_tokens: number;
  readonly calls: number;
  readonly input_tokens: number;
  readonly output_tokens_limit: number;
  readonly price_usd: number | null;
  readonly is_bound: boolean;
  readonly expected_price_usd: number | null;
  readonly most_usd: number | null;
  readonly mode: Mode;
  readonly on_record: number;
  readonly fields: readonly DraftField[];
  readonly lookalikes: readonly { readonly text: string; readonly line: number; readonly sentence: string }[];
  readonly problems: readonly string[];
  readonly later: readonly string[];
  readonly notices: readonly string[];
  readonly values: "now" | "before" | "nothing";
  readonly shared_prefix: { readonly tokens: number; readonly saving_usd: number | null } | null;
  readonly models: readonly ModelOffer[];
}

export interface DraftRequest extends CellFields {
  readonly mode?: Mode;
  readonly fill_calls?: boolean;
  readonly models?: readonly string[];
}

export type ForecastState = "runs" | "restored" | "asked" | "on_record" | "missing" | "stops";

export interface CellForecast {
  readonly cell_id: string;
  readonly state: ForecastState;
  readonly wave: number | null;
  readonly why: string;
  readonly reason: string;
  readonly because: readonly string[];
  readonly calls: number;
  readonly asked_calls: number;
  readonly input_tokens: number;
  readonly output_tokens_limit: number;
  readonly price_usd: number | null;
  readonly is_bound: boolean;
  readonly expected_s: number | null;
  readonly is_certain: boolean;
}

export interface WayForecast {
  readonly mode: Mode;
  readonly waves: number;
  readonly calls: number;
  readonly asked_calls: number;
  readonly price_usd: number | null;
  readonly is_bound: boolean;
  readonly unpriced: readonly string[];
  readonly expected_s: number | null;
  readonly missing: readonly string[];
  readonly stops: readonly string[];
}

export interface RunForecast {
  readonly mode: Mode;
  readonly cells: readonly CellForecast[];
  readonly ways: readonly WayForecast[];
  readonly values: "now" | "before" | "nothing";
  readonly budget: { readonly usd?: number | null } | null;
  readonly spent_usd: number;
}

/** Which cells; without a choice all. */
export interface CellChoice {
  readonly cells?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly with?: "upstream" | "downstream";
  readonly stale?: boolean;
}

const notebook = (id: string) => `notebooks/${encodeURIComponent(id)}`;

export const planning = {
  preview: (id: string, cellId: string, body: DraftRequest, signal?: AbortSignal) =>
    request<DraftPreview>("POST", `${notebook(id)}/cells/${encodeURIComponent(cellId)}/preview`, {
      body,
      ...(signal ? { signal } : {}),
    }),
  plan: (id: string, body: CellChoice & RunOptions, signal?: AbortSignal) =>
    request<RunForecast>("POST", `${notebook(id)}/plan`, { body, ...(signal ? { signal } : {}) }),
  execute: (id: string, body: CellChoice & RunOptions) =>
    request("POST", `${notebook(id)}/execute`, { body, headers: { Prefer: "respond-async" } }),
};
