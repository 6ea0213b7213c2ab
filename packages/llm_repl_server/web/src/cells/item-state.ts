/** The state of an item of a prompt that is sent for each. Pure. */

import type { ItemEnd } from "../wire/items.ts";
import type { Output } from "../wire/shapes.ts";
import type { FailedItem } from "./answer-shape.ts";

/** In this order where a table is sorted by state. */
const STATES = ["failed", "stopped", "again", "answering", "queued", "edited", "asked", "recorded"] as const;
export type RowState = (typeof STATES)[number];

/** What is known of an item while its prompt runs. */
export interface UnderWay {
  readonly text: string | undefined;
  readonly end: ItemEnd | undefined;
  readonly isAgain: boolean;
}

export function rowState(
  output: Output | undefined, failure: FailedItem | undefined, underWay: UnderWay | null,
): RowState {
  if (failure || output?.failed) return "failed";
  if (!output) {
    if (!underWay) return "stopped";
    const { text, end, isAgain } = underWay;
    if (end) return end.error !== null ? "failed" : end.is_asked ? "asked" : "recorded";
    return isAgain ? "again" : text ? "answering" : "queued";
  }
  if (output.interrupted) return "stopped";
  if (output.edited) return "edited";
  return output.source && output.source !== "live" ? "recorded" : "asked";
}

/** The items, those first that want somebody. */
export function sortedByState(states: readonly RowState[]): readonly number[] {
  return states
    .map((state, item) => [STATES.indexOf(state), item] as const)
    .sort(([oneRank, one], [otherRank, other]) => oneRank - otherRank || one - other)
    .map(([, item]) => item);
}
