/** Which part of the inspector is open. */

import { signal } from "@preact/signals";

export const TABS = ["request", "variables", "calls", "graph", "answers"] as const;
export type Tab = (typeof TABS)[number];

/** Null: it is closed. */
export const inspectorTab = signal<Tab | null>(null);

let last: Tab = "request";

export function openInspector(tab: Tab): void {
  last = tab;
  inspectorTab.value = tab;
}

export function toggleInspector(): void {
  inspectorTab.value = inspectorTab.value ? null : last;
}
