/** Shows in the tab's title and icon what runs, what needs the person, what has failed. */

import { effect, signal } from "@preact/signals";
import type { OpenNotebook } from "../store/notebook.ts";
import { tabState, type TabState } from "../store/tab.ts";

/** A mark in the corner of the icon; none: the icon as it is. */
const MARKS: Readonly<Record<TabState, string>> = {
  quiet: "",
  running: '<circle cx="12" cy="12" r="4" fill="#16598c"/>',
  asks: '<circle cx="12" cy="12" r="4" fill="#7d4a00"/><path d="M12 10v2.4M12 14v.2" stroke="#fff"/>',
  failed: '<circle cx="12" cy="12" r="4" fill="#9b2915"/><path d="m10.8 10.8 2.4 2.4m0-2.4-2.4 2.4" stroke="#fff"/>',
};

/** Keep title and icon; gives what ends it. */
export function showInTitle(notebook: OpenNotebook): () => void {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const plain = icon?.href ?? "";
  const hasFailed = signal(false);
  const seen = () => {
    if (!document.hidden) hasFailed.value = false;
  };
  let failedBefore: ReadonlySet<string> | null = null;
  const stopWatching = effect(() => {
    const failed = new Set<string>();
    for (const { id, status } of (notebook.whole.value?.cells.values() ?? [])) if (status === "error") failed.add(id);
    // What fails while one looks is seen, and what had failed before is no news.
    const before = failedBefore;
    if (document.hidden && before && [...failed].some((id) => !before.has(id))) hasFailed.value = true;
    if (notebook.presence.value !== "loading") failedBefore = failed;
  });
  let shown: TabState = "quiet";
  const stopShowing = effect(() => {
    const runs = notebook.runs.value;
    const run = runs.find(({ hasBegun }) => hasBegun) ?? runs[0];
    const running = run !== undefined || notebook.underWay.value.size > 0;
    const now = tabState({ asking: notebook.isAsking.value, failed: hasFailed.value, running });
    document.title = words(now, notebook.name.value || "LLM-REPL", run);
    if (now !== shown && icon) icon.href = now === "quiet" ? plain : marked(MARKS[now]);
    shown = now;
  });
  document.addEventListener("visibilitychange", seen);
  return () => {
    stopWatching();
    stopShowing();
    document.removeEventListener("visibilitychange", seen);
    document.title = "LLM-REPL";
    if (icon) icon.href = plain;
  };
}

function words(state: TabState, name: string, run: { readonly ended: number; readonly total: number } | undefined): string {
  if (state === "asks") return `Needs you · ${name}`;
  if (state === "failed") return `Failed · ${name}`;
  return run ? `(${run.ended}/${run.total}) ${name}` : `${name} · LLM-REPL`;
}

function marked(mark: string): string {
  const braces =
    "M5.25 2.5c-1.7 0-2.25.9-2.25 2.25v1.6C3 7.4 2.5 8 1.4 8 2.5 8 3 8.6 3 9.65v1.6c0 1.35.55 2.25 2.25 2.25" +
    "M10.75 2.5c1.7 0 2.25.9 2.25 2.25v1.6c0 1.05.5 1.65 1.6 1.65M6.6 5.75 9 8l-2.4 2.25";
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke-width="1.5" ` +
    `stroke-linecap="round" stroke-linejoin="round"><path stroke="#16598c" d="${braces}"/>${mark}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
