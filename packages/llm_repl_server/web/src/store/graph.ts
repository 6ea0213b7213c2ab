/** What needs what: read once for all who show it, and again when cells change. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { rest } from "../wire/rest.ts";
import type { Graph } from "../wire/shapes.ts";
import { withHeld } from "./held.ts";
import type { OpenNotebook } from "./notebook.ts";

const AFTER_EDITS_MS = 250;

interface Kept {
  readonly graph: ReadonlySignal<Graph | null>;
  readonly error: ReadonlySignal<string | null>;
  watch(): () => void;
}

const kept = new WeakMap<OpenNotebook, Kept>();

/** The graph of a notebook, kept up while somebody shows it. */
export function useGraph(notebook: OpenNotebook, isShown = true): Kept {
  let found = kept.get(notebook);
  if (!found) kept.set(notebook, (found = keep(notebook)));
  const { watch } = found;
  useEffect(() => (isShown ? watch() : undefined), [watch, isShown]);
  return found;
}

function keep(notebook: OpenNotebook): Kept {
  const graph = signal<Graph | null>(null);
  const error = signal<string | null>(null);
  // What cells do, and in which order they stand; not what comes of them.
  const version = computed(() => {
    const { order = [], cells } = notebook.whole.value ?? {};
    return order.map((id) => cells?.get(id)?.version).join(" ");
  });
  let watchers = 0;
  let dispose = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = async () => {
    try {
      const isPrompt = (id: string) => notebook.view(id).cell.peek()?.type === "PromptCell";
      graph.value = withHeld(await rest.graph(notebook.id), isPrompt);
      error.value = null;
    } catch (failure) {
      error.value = failure instanceof Error ? failure.message : String(failure);
    }
  };
  const watch = () => {
    if (watchers++ === 0) {
      let delay = 0;
      dispose = effect(() => {
        void version.value;
        clearTimeout(timer);
        timer = setTimeout(() => void read(), delay);
        delay = AFTER_EDITS_MS;
      });
    }
    return () => {
      if (--watchers > 0) return;
      dispose();
      clearTimeout(timer);
    };
  };
  return { graph, error, watch };
}
