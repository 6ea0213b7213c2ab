/** The variables of a notebook, and what an editor asks of its kernel. */

import { request } from "./rest.ts";

/** A value in one line. */
export interface Summary {
  readonly type_name: string;
  readonly shape: readonly number[] | null;
  readonly length: number | null;
  readonly text: string;
  readonly has_parts: boolean;
}

export interface Variable extends Summary {
  readonly name: string;
  readonly made_by: string | null;
  readonly used_by: readonly string[];
  /** Whether it is part of the notebook's memory. */
  readonly kept: boolean;
}

export interface VariableList {
  readonly variables: readonly Variable[];
  readonly left_out: number;
  readonly busy: boolean;
  readonly taken_at: string | null;
}

export interface ValueEntry extends Summary {
  readonly label: string;
  readonly step: string;
}

export interface ValuePage extends Summary {
  readonly kind: "table" | "entries" | "text" | "value";
  readonly page: number;
  readonly per_page: number;
  readonly total: number;
  readonly columns: readonly { readonly name: string; readonly dtype: string }[];
  readonly columns_left_out: number;
  readonly rows: readonly { readonly label: string; readonly cells: readonly string[] }[];
  readonly entries: readonly ValueEntry[];
  readonly piece: string;
  readonly is_cut: boolean;
  readonly busy: boolean;
}

export interface CompletionList {
  readonly start: number;
  readonly end: number;
  readonly matches: readonly { readonly text: string; readonly type: string }[];
}

export interface Inspected {
  readonly name: string;
  readonly signature: string;
  readonly documentation: string;
  readonly type_name: string;
  readonly text: string;
  readonly parameter: number | null;
}

const notebookPath = (id: string) => `notebooks/${encodeURIComponent(id)}`;

const pointer = (path: readonly string[]) =>
  path.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

export const variableCalls = {
  list: (id: string) => request<VariableList>("GET", `${notebookPath(id)}/variables`),
  value: (id: string, name: string, path: readonly string[], page: number, perPage: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ path: pointer(path), page: String(page), per_page: String(perPage) });
    return request<ValuePage>("GET", `${notebookPath(id)}/variables/${encodeURIComponent(name)}?${query}`, signal ? { signal } : {});
  },
  complete: (id: string, code: string, cursor: number, signal: AbortSignal) =>
    request<CompletionList>("POST", `${notebookPath(id)}/complete`, { body: { code, cursor }, signal }),
  inspect: (id: string, code: string, cursor: number) =>
    request<Inspected>("POST", `${notebookPath(id)}/inspect`, { body: { code, cursor } }),
};
