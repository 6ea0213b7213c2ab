/**
 * Marks the fields of a template that is being edited by what is known of them. By highlights of the
 * browser, which change nothing of the editor's own elements.
 */

import type { DraftField } from "../wire/plan.ts";

const MARKED = { unknown: "field-unknown", failed: "field-unknown", stale: "field-stale" } as const;

/** Mark the fields within an element; those of before are no longer marked. */
export function markFields(within: Element | null, fields: readonly DraftField[]): void {
  if (typeof Highlight === "undefined") return;
  const ranges: Record<string, Range[]> = { "field-unknown": [], "field-stale": [] };
  const names = new Map<string, string>();
  for (const { text, state } of fields) {
    if (state in MARKED) names.set(text, MARKED[state as keyof typeof MARKED]);
  }
  for (const element of within?.querySelectorAll(".cm-content .field") ?? []) {
    const name = names.get(element.textContent ?? "");
    if (!name) continue;
    const range = document.createRange();
    range.selectNodeContents(element);
    ranges[name]?.push(range);
  }
  for (const [name, found] of Object.entries(ranges)) CSS.highlights.set(name, new Highlight(...found));
}
