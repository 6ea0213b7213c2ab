/** "While you were away": what ended while the tab was hidden, or closed. */

import { useEffect, useState } from "preact/hooks";
import { focusCell } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { endedMeanwhile, lookAway, type LookedAway } from "../store/tab.ts";
import { plural, spent } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";

interface Missed {
  readonly ended: readonly string[];
  readonly failed: readonly string[];
  readonly usd: number;
}

export function Away({ notebook }: { notebook: OpenNotebook }) {
  const [missed, setMissed] = useState<Missed | null>(null);
  useEffect(() => watch(notebook, setMissed), [notebook]);
  if (missed === null) return null;
  const cost = missed.usd >= 0.00005 ? `, ${spent(missed.usd)}` : "";
  const first = missed.failed[0] ?? missed.ended[0] ?? null;
  return (
    <div class="banner" role="status">
      <Icon name="done" />
      <span>
        <b>While you were away:</b> {plural(missed.ended.length, "cell")} ended{cost}
        {missed.failed.length > 0 && `, ${missed.failed.length} failed`}
      </span>
      <span class="end">
        <button class="button quiet" onClick={() => focusCell(first)}>
          {missed.failed.length ? "Show what failed" : "Show"}
        </button>
        <button class="button quiet only-icon" aria-label="Dismiss" onClick={() => setMissed(null)}>
          <Icon name="x" />
        </button>
      </span>
    </div>
  );
}

function watch(notebook: OpenNotebook, tell: (missed: Missed) => void): () => void {
  const key = `llm-repl away ${notebook.id}`;
  const leave = () => {
    const { state } = notebook;
    if (!state) return;
    keep(key, JSON.stringify(lookAway(state, notebook.spending.peek()?.usd ?? 0)));
  };
  const comeBack = async () => {
    const before = read(key);
    const { state } = notebook;
    if (!before || !state) return;
    keep(key, null);
    const { ended, failed } = endedMeanwhile(before, state);
    if (!ended.length) return;
    await notebook.readSpending();
    tell({ ended, failed, usd: (notebook.spending.peek()?.usd ?? 0) - before.usd });
  };
  const onVisibility = () => (document.hidden ? leave() : void comeBack());
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", leave);
  if (!document.hidden) void comeBack(); // after a reload
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    removeEventListener("pagehide", leave);
  };
}

function keep(key: string, text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // A private window, or a full one: then nothing is said.
  }
}

function read(key: string): LookedAway | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as LookedAway | null;
  } catch {
    return null;
  }
}
