/** Answers of several models side by side, while they come. Pure. */

import type { AskedAnswer } from "../wire/ask.ts";
import type { WireEvent } from "../wire/events.ts";

/** An answer beside the others. */
export interface AskedColumn extends AskedAnswer {
  readonly comparison: string;
  /** When it was sent, by this machine's clock, in milliseconds. */
  readonly since: number;
}

/** The columns of a comparison after an event about it. */
export function withCandidate(columns: readonly AskedColumn[], event: WireEvent): readonly AskedColumn[] {
  if (event.event !== "candidate_text" && event.event !== "candidate_retried" && event.event !== "candidate_ended") {
    return columns;
  }
  return columns.map((column) => {
    if (column.comparison !== event.run_id || column.candidate !== event.candidate) return column;
    if (column.state !== "running") return column;
    switch (event.event) {
      case "candidate_text":
        return { ...column, text: column.text + event.text };
      case "candidate_retried":
        return { ...column, text: "" };
      case "candidate_ended":
        return { ...column, state: event.state, error: event.error };
    }
  });
}

export interface AlikeColumns {
  readonly first: AskedColumn;
  readonly times: number;
}

/** Answers of one model that are the same become one column, "3 alike". */
export function alike(columns: readonly AskedColumn[]): readonly AlikeColumns[] {
  const found: { first: AskedColumn; times: number }[] = [];
  for (const column of columns) {
    const same = found.find(
      ({ first }) =>
        column.state === "completed" && first.state === "completed" &&
        first.text === column.text && first.model === column.model,
    );
    if (same) same.times += 1;
    else found.push({ first: column, times: 1 });
  }
  return found;
}
