/** The calls about what waits and what was called. */

import type { CallTotals } from "./call-totals.ts";
import type { Queue } from "./queue.ts";
import { request } from "./rest.ts";

const notebook = (id: string) => `notebooks/${encodeURIComponent(id)}`;

export const runCalls = {
  queue: (id: string) => request<Queue>("GET", `${notebook(id)}/queue`),
  removeQueued: (id: string, cellId: string) =>
    request<{ dependents: readonly string[] }>("DELETE", `${notebook(id)}/queue/${encodeURIComponent(cellId)}`),
  callTotals: (query: Record<string, string>) =>
    request<CallTotals>("GET", `calls/totals?${new URLSearchParams(query)}`),
  call: (id: string) => request<Record<string, unknown>>("GET", `calls/${encodeURIComponent(id)}`),
};
