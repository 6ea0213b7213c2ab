/** Shows what runs in the title of the tab. */

import { effect } from "@preact/signals";
import type { OpenNotebook } from "../store/notebook.ts";

/** Keep the title; gives what ends it. */
export function showInTitle(notebook: OpenNotebook): () => void {
  const stop = effect(() => {
    const state = notebook.state.value;
    const name = state?.name ?? "LLM-REPL";
    const [run] = state?.runs ?? [];
    document.title = run ? `(${run.ended}/${run.total}) ${name}` : `${name} · LLM-REPL`;
  });
  return () => {
    stop();
    document.title = "LLM-REPL";
  };
}
