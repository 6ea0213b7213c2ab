/** Whether the plan is open, and the limit of the run that it leads to. */

import { signal } from "@preact/signals";

export const isPlanOpen = signal(false);

export interface RunLimit {
  readonly isOn: boolean;
  readonly usd: number;
}

/** What was chosen last, in this window. */
export const runLimit = signal<RunLimit>({ isOn: false, usd: 0.1 });

export function openPlan(): void {
  isPlanOpen.value = true;
}

export function closePlan(): void {
  if (!isPlanOpen.value) return;
  isPlanOpen.value = false;
  document.querySelector<HTMLElement>(".run-split .plan-button")?.focus();
}
