/** What keys do here: the plan of a run, and sending a cell along. */

import { provide } from "../store/actions.ts";
import { focused } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { openPlan } from "../store/plan-panel.ts";
import { toggleSentBelow } from "../store/sent-along.ts";
import { toast } from "../ui/toasts.tsx";

/** Provide them for a notebook; gives what ends it. */
export function provideForecasts(notebook: OpenNotebook): () => void {
  const ends = [
    provide("plan", openPlan),
    provide("sendAlong", () => {
      const said = focused.peek() && toggleSentBelow(notebook, focused.peek() ?? "");
      if (said) toast(said);
    }),
  ];
  return () => ends.forEach((end) => end());
}
