/** Where the bars of calls stand on their common axis. Pure. */

import type { Call } from "../wire/shapes.ts";

export interface Bar {
  /** In shares of the axis, from 0 to 1. */
  readonly start: number;
  readonly queue: number;
  readonly first: number;
  readonly answering: number;
}

export interface Axis {
  /** In seconds. */
  readonly length: number;
  readonly ticks: readonly number[];
  readonly bars: ReadonlyMap<string, Bar>;
}

/** The longest time between two calls that are drawn on one axis; of others each begins at 0. */
const LONGEST_S = 3600;
const SHORTEST_S = 1;

/** The axis of some calls: from the first that started to the last that ended. */
export function axisOf(calls: readonly Call[], now: number): Axis {
  const spans = calls.map((call) => {
    const start = Date.parse(call.started_at) / 1000;
    return { call, start, length: call.duration_s ?? Math.max(0, now / 1000 - start) };
  });
  const began = Math.min(...spans.map(({ start }) => start));
  const together = Math.max(...spans.map(({ start, length }) => start + length)) - began;
  const isTogether = together <= LONGEST_S;
  const longest = Math.max(...spans.map(({ length }) => length), 0);
  // A little more than the last one, and not so little that nothing but jitter is seen.
  const length = Math.max(SHORTEST_S, (calls.length ? (isTogether ? together : longest) : 0) * 1.02);
  const bars = new Map<string, Bar>();
  for (const { call, start, length: took } of spans) {
    const queue = Math.min(took, call.last_attempt_s ?? 0);
    const first = Math.min(took - queue, call.first_token_s ?? (call.duration_s === null ? took - queue : 0));
    bars.set(call.id, {
      start: (isTogether ? start - began : 0) / length,
      queue: queue / length,
      first: first / length,
      answering: (took - queue - first) / length,
    });
  }
  return { length, ticks: ticksOf(length), bars };
}

function ticksOf(length: number): readonly number[] {
  const rough = length / 4;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * scale >= rough) ?? 10) * scale;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}
