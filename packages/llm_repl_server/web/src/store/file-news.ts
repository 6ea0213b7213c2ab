/** What is said of what other programs do to the file that the notebook lives in. */

import { toast } from "../ui/toasts.tsx";
import { plural } from "../ui/format.ts";
import type { WireEvent } from "../wire/events.ts";

/** Say of a merge that there was one: what is taken over as it is goes without a word. */
export function hearFile(events: readonly WireEvent[]): void {
  for (const event of events) {
    if (event.event !== "notebook_file_taken" || !event.merged) continue;
    const both = event.conflicts.length
      ? `${plural(event.conflicts.length, "conflict")}: nothing is lost, choose in the cell.`
      : "Both changes are in it.";
    toast(`${event.path} was changed by another program. ${both}`);
  }
}
