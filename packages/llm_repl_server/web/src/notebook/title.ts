/** Shows what runs in the title of the tab. */

import { effect } from "@preact/signals";
import type { OpenNotebook } from "../store/notebook.ts";

/** Keep the title; gives what ends it. */
export function showInTitle(notebook: OpenNotebook): () => void {
  const stop = effect(() => {
    const name = notebook.name.value || "LLM-REPL";
    const [run] = notebook.runs.value;
    document.title = run ? `(${run.ended}/${run.total}) ${name}` : `${name} · LLM-REPL`;
  });
  return () => {
    stop();
    document.title = "LLM-REPL";
  };
}
