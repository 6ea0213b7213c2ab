/** The open notebook, for the views below it. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { OpenNotebook } from "./notebook.ts";

export const NotebookContext = createContext<OpenNotebook | null>(null);

export function useNotebook(): OpenNotebook {
  const notebook = useContext(NotebookContext);
  if (!notebook) throw new Error("This view is only for an open notebook.");
  return notebook;
}
