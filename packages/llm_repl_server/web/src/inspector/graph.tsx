/** What the focused cell needs, and what needs it. */

import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { rest } from "../wire/rest.ts";
import type { GraphEdge } from "../wire/shapes.ts";
import { useFetched } from "./fetched.ts";
import { CellLink } from "./request.tsx";

const WORDS: Readonly<Record<GraphEdge["kind"], string>> = {
  variable: "a variable",
  context: "it is sent as context",
  barrier: "it may change anything",
  in_the_way: "it changed what was asked ahead",
};

export function GraphTab() {
  const notebook = useNotebook();
  const id = focused.value;
  const { value, error } = useFetched(
    () => rest.graph(notebook.id),
    [notebook.id, notebook.order.value, notebook.state.value?.activities.size],
    200,
  );
  if (!value) return <p class="quiet-text">{error ?? "Reading what needs what"}</p>;
  if (!id) return <p class="quiet-text">Choose a cell to see what it needs.</p>;
  const number = notebook.view(id).index.value + 1;
  return (
    <>
      <h2>Cell {number} needs</h2>
      <Edges edges={value.edges.filter((edge) => edge.target === id)} end="source" />
      <h2>Needs cell {number}</h2>
      <Edges edges={value.edges.filter((edge) => edge.source === id)} end="target" />
    </>
  );
}

function Edges({ edges, end }: { edges: readonly GraphEdge[]; end: "source" | "target" }) {
  if (!edges.length) return <p class="quiet-text">Nothing.</p>;
  return (
    <ul class="edges">
      {edges.map((edge) => (
        <li>
          <CellLink id={edge[end]} /> {edge.variable ? <code>{edge.variable}</code> : WORDS[edge.kind]}
        </li>
      ))}
    </ul>
  );
}
