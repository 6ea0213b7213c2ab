/** Which prompts are asked at once: a prompt's wave is one behind the last that it needs. Pure. */

import type { GraphEdge } from "../wire/shapes.ts";

/**
 * The prompts by wave.
 *
 * @param order The cells, in document order.
 * @param isPrompt Whether a cell is a prompt.
 * @param edges What needs what.
 */
export function wavesOf(
  order: readonly string[],
  isPrompt: (id: string) => boolean,
  edges: readonly GraphEdge[],
): readonly (readonly string[])[] {
  const above = new Map<string, string[]>();
  for (const { source, target, kind } of edges) {
    if (kind === "in_the_way") continue;
    const sources = above.get(target);
    if (sources) sources.push(source);
    else above.set(target, [source]);
  }
  const waves: string[][] = [];
  /** How many waves have to end before what a cell gives is there. */
  const after = new Map<string, number>();
  for (const id of order) {
    const begins = Math.max(0, ...(above.get(id) ?? []).map((source) => after.get(source) ?? 0));
    after.set(id, isPrompt(id) ? begins + 1 : begins);
    if (isPrompt(id)) (waves[begins] ??= []).push(id);
  }
  return Array.from(waves, (wave) => wave ?? []);
}
