/** The REST calls that the page makes. */

import type { Mode } from "./mode.ts";
import type {
  CallPage, Cell, CellFields, Graph, Notebook, NotebookHeader, NotebookSummary, Preview,
  RunInfo, Spending, Variables,
} from "./shapes.ts";

/** The server refused, or could not be reached. */
export class RestError extends Error {
  /** The HTTP status; 0: there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later: the server is away, or says that it is busy. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

interface Options {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Where the API is: beside the page, so that a path prefix of a proxy counts for both. */
export const API = new URL("api/", document.baseURI).pathname;

/** Ask the API. A file for each part of it makes its calls by this. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { ...options.headers };
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  if (options.signal) init.signal = options.signal;
  let response: Response;
  let text: string;
  try {
    response = await fetch(API + path, init);
    text = await response.text(); // it may be cut off in the middle
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RestError("The server can't be reached.", 0, "unreachable");
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new RestError("Something other than the server answered.", 0, "not_json");
  }
  if (response.ok) return answer as T;
  const { error, code } = answer as { error?: string; code?: string };
  throw new RestError(error ?? response.statusText, response.status, code ?? "");
}

const notebook = (id: string) => `notebooks/${encodeURIComponent(id)}`;
const cell = (id: string, cellId: string) => `${notebook(id)}/cells/${encodeURIComponent(cellId)}`;
const AT_ONCE = { Prefer: "respond-async" };

export interface RunOptions {
  readonly mode?: Mode;
  readonly budget?: { readonly usd?: number };
  /** Of a prompt over items: those to ask for; the others keep their answers. */
  readonly items?: "failed" | readonly number[];
}

export const rest = {
  listNotebooks: () =>
    request<{ notebooks: readonly NotebookSummary[] }>("GET", "notebooks").then((a) => a.notebooks),
  createNotebook: (name?: string, metadata?: Record<string, unknown>) =>
    request<NotebookHeader>("POST", "notebooks", {
      body: { ...(name === undefined ? {} : { name }), ...(metadata ? { metadata } : {}) },
    }),
  importNotebook: (filename: string, text: string) =>
    request<NotebookHeader>("POST", "notebooks/import", { body: { filename, text } }),
  readNotebook: (id: string) => request<Notebook>("GET", notebook(id)),
  changeNotebook: (id: string, body: { name?: string; metadata?: Record<string, unknown> }) =>
    request<NotebookHeader>("PUT", notebook(id), { body }),
  deleteNotebook: (id: string) => request("DELETE", notebook(id)),
  restart: (id: string) => request("POST", `${notebook(id)}/restart`),
  interrupt: (id: string) => request("POST", `${notebook(id)}/interrupt`),

  readCell: (id: string, cellId: string) => request<Cell>("GET", cell(id, cellId)),
  createCell: (id: string, body: CellFields & { position?: number }) =>
    request<Cell>("POST", `${notebook(id)}/cells`, { body }),
  interruptCell: (id: string, cellId: string) => request("POST", `${cell(id, cellId)}/interrupt`),

  runCell: (id: string, cellId: string, options: RunOptions, include?: "upstream" | "downstream") =>
    request("POST", `${cell(id, cellId)}/execute${include ? `?with=${include}` : ""}`, {
      body: options,
      headers: AT_ONCE,
    }),
  runAll: (id: string, options: RunOptions) =>
    request("POST", `${notebook(id)}/execute_all`, { body: options, headers: AT_ONCE }),
  runStale: (id: string, options: RunOptions) =>
    request("POST", `${notebook(id)}/execute_stale`, { body: options, headers: AT_ONCE }),

  preview: (id: string, cellId: string, signal: AbortSignal) =>
    request<Preview>("GET", `${cell(id, cellId)}/preview`, { signal }),
  decideTool: (id: string, cellId: string, callId: string, approved: boolean, wholeRun: boolean) =>
    request("POST", `${cell(id, cellId)}/tool_calls/${encodeURIComponent(callId)}`, {
      body: wholeRun ? { approved, whole_run: true } : { approved },
    }),

  /** A piece of a file; behind the first, `path` is the one that it was answered with. */
  uploadFile: (path: string, data: string, offset: number) =>
    request<{ path: string }>("POST", "files", { body: { path, data, offset } }),
  /** @param more `pandas: "false"` for code that does without it. */
  readingOf: (path: string, more: { readonly pandas?: "false" } = {}) =>
    request<{ code: string | null; notice: string | null }>("GET", `files/reading?${new URLSearchParams({ path, ...more })}`),
  variables: (id: string) => request<Variables>("GET", `${notebook(id)}/state`),
  graph: (id: string) => request<Graph>("GET", `${notebook(id)}/graph`),
  runs: (id: string) =>
    request<{ runs: readonly RunInfo[] }>("GET", `${notebook(id)}/runs`).then((answer) => answer.runs),
  spending: (id: string) => request<Spending>("GET", `${notebook(id)}/spending`),
  calls: (query: Record<string, string>) =>
    request<CallPage>("GET", `calls?${new URLSearchParams(query)}`),
  downloadAddress: (id: string, format: string) => `${API}${notebook(id)}/download?format=${format}`,
};
