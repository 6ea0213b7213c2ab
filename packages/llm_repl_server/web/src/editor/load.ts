/** Loads the editor once, when the page has been painted. */

import { signal } from "@preact/signals";
import { highlighter } from "./code.tsx";

type EditorModule = typeof import("./editor.ts");

/** The editor; null: it is on its way. */
export const editorModule = signal<EditorModule | null>(null);

let loading: Promise<EditorModule> | null = null;

export function loadEditor(): Promise<EditorModule> {
  // A bundle of its own: the page's does not contain it.
  loading ??= import("./editor.js" as string).then((module: EditorModule) => {
    editorModule.value = module;
    highlighter.value = module.highlight;
    return module;
  });
  return loading;
}
