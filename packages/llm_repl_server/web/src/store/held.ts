/** Prompts that wait for one above them though they need nothing of it; and what is said twice. Pure. */

import type { Graph, GraphEdge } from "../wire/shapes.ts";

/** The graph with an edge from each prompt that holds up what is below to the prompts down to the next such one. */
export function withHeld(graph: Graph, isPrompt: (id: string) => boolean): Graph {
  if (!graph.nodes.some((node) => node.holds_order)) return graph;
  const pairs = new Set(graph.edges.map(pairOf));
  const held: GraphEdge[] = [];
  let holder: string | null = null;
  for (const { id, holds_order } of graph.nodes) {
    const edge = { source: holder ?? "", target: id, variable: null, kind: "order" } as const;
    if (holder !== null && isPrompt(id) && !pairs.has(pairOf(edge))) held.push(edge);
    if (holds_order) holder = id;
  }
  return { ...graph, edges: [...graph.edges, ...held] };
}

/** The edges without barriers at a cell that others imply: what it waits for by what it needs. */
export function withoutImplied(edges: readonly GraphEdge[], id: string): readonly GraphEdge[] {
  const above = reached(edges, id, "source");
  const below = reached(edges, id, "target");
  return edges.filter(({ kind, variable, source, target }) => {
    if ((kind !== "barrier" && kind !== "order") || variable !== null) return true;
    return !((target === id && above.has(source)) || (source === id && below.has(target)));
  });
}

/** The cells that a cell needs, or that need it, by what they make, also over others. */
function reached(edges: readonly GraphEdge[], id: string, end: "source" | "target"): ReadonlySet<string> {
  const start = end === "source" ? "target" : "source";
  const next = new Map<string, string[]>();
  for (const edge of edges) {
    if (edge.kind !== "variable" && edge.kind !== "context") continue;
    const known = next.get(edge[start]);
    if (known) known.push(edge[end]);
    else next.set(edge[start], [edge[end]]);
  }
  const found = new Set<string>();
  const waiting = [id];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    for (const other of next.get(one) ?? []) {
      if (!found.has(other)) {
        found.add(other);
        waiting.push(other);
      }
    }
  }
  return found;
}

function pairOf({ source, target }: GraphEdge): string {
  return `${source} ${target}`;
}
