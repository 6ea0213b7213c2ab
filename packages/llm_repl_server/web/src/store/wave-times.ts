/** How long waves of prompts take, and what is gained where one holds no others up. Pure. */

import type { Cell, GraphEdge } from "../wire/shapes.ts";
import { answers } from "./status.ts";
import { wavesOf } from "./waves.ts";

interface Took {
  readonly duration_s: number | null;
}

/** How long the last answers of a prompt took; those of its items come at once. Null: nobody was asked. */
export function answerSeconds(cell: Cell | undefined, calls: ReadonlyMap<string, Took>): number | null {
  const asked = (cell ? answers(cell) : []).filter(({ source }) => !source || source === "live");
  const took = asked.flatMap(({ call_id }) => calls.get(call_id ?? "")?.duration_s ?? []);
  return took.length ? Math.max(...took) : null;
}

/** A wave takes as long as its slowest prompt; null: not known of all. */
export function waveSeconds(wave: readonly string[], secondsOf: (id: string) => number | null): number | null {
  const all = wave.map(secondsOf);
  return all.every((each) => each !== null) ? Math.max(0, ...all) : null;
}

export interface WithoutBarrier {
  /** How many waves there are then. */
  readonly waves: number;
  readonly fewer: number;
  /** The prompts that are asked together with the cell. */
  readonly together: readonly string[];
  /** How much less time it takes; null: not known. */
  readonly lessSeconds: number | null;
}

/** What is gained where a cell is no barrier; null: no wave less. */
export function withoutBarrier(
  id: string,
  order: readonly string[],
  isPrompt: (id: string) => boolean,
  edges: readonly GraphEdge[],
  secondsOf: (id: string) => number | null,
): WithoutBarrier | null {
  const isOwn = ({ kind, source, target }: GraphEdge) =>
    (kind === "barrier" || kind === "order") && (source === id || target === id);
  const now = wavesOf(order, isPrompt, edges);
  const then = wavesOf(order, isPrompt, edges.filter((edge) => !isOwn(edge)));
  if (then.length >= now.length) return null;
  const sum = (waves: readonly (readonly string[])[]) =>
    waves.reduce<number | null>((all, wave) => {
      const took = waveSeconds(wave, secondsOf);
      return all === null || took === null ? null : all + took;
    }, 0);
  const [before, after] = [sum(now), sum(then)];
  return {
    waves: then.length,
    fewer: now.length - then.length,
    together: then.find((wave) => wave.includes(id)) ?? [id],
    lessSeconds: before === null || after === null ? null : before - after,
  };
}
