/** Who answers: providers, their keys' origins, and servers under names of their own. */

import { request } from "./rest.ts";

export interface ProviderDetails {
  readonly name: string;
  readonly type: string;
  readonly is_custom: boolean;
  /** The settings' file says it, so that it is changed there alone. */
  readonly is_fixed: boolean;
  readonly is_ready: boolean;
  readonly reason: string | null;
  readonly key: {
    readonly source: "environment" | "file" | "none";
    readonly variable: string | null;
    readonly is_needed: boolean;
  };
  readonly base_url: string | null;
  readonly default_model: string;
}

export interface Providers {
  readonly providers: readonly string[];
  readonly current: { readonly type: string; readonly model?: string | null; readonly base_url?: string | null };
  readonly details: readonly ProviderDetails[];
}

/** What came of trying to reach one. */
export interface Trial {
  readonly works: boolean;
  readonly message: string;
  readonly model_count: number | null;
  readonly duration_s: number;
}

const one = (name: string) => `llm/providers/${encodeURIComponent(name)}`;

export const providersApi = {
  list: () => request<Providers>("GET", "llm/providers"),
  choose: (body: { type: string; model?: string | null; base_url?: string | null }) =>
    request("PUT", "llm/provider", { body }),
  set: (name: string, body: { base_url: string; model?: string | null; api_key?: string }) =>
    request<ProviderDetails>("PUT", one(name), { body }),
  remove: (name: string) => request("DELETE", one(name)),
  setKey: (name: string, key: string) =>
    request<ProviderDetails>("PUT", `${one(name)}/key`, { body: { api_key: key } }),
  removeKey: (name: string) => request<ProviderDetails>("DELETE", `${one(name)}/key`),
  models: (name: string) =>
    request<{ models: readonly string[] }>("GET", `${one(name)}/models`).then((answer) => answer.models),
  test: (name: string) => request<Trial>("POST", `${one(name)}/test`),
};
