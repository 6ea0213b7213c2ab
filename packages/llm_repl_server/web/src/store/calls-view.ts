/** Whether the calls take the document's place, and which of them are shown. */

import { signal } from "@preact/signals";

/** Which calls; what is left out does not matter. */
export interface CallsFilter {
  readonly run_id?: string;
  readonly cell_id?: string;
  readonly model?: string;
  readonly state?: string;
  readonly source?: string;
  readonly search?: string;
}

/** Null: the document is shown. `run_id` left out and `latest`: the latest run. */
export const callsView = signal<{ readonly filter: CallsFilter; readonly isLatestRun: boolean } | null>(null);

export function openCalls(filter: CallsFilter | null = null): void {
  callsView.value = { filter: filter ?? {}, isLatestRun: filter === null };
}

export function closeCalls(): void {
  callsView.value = null;
}
