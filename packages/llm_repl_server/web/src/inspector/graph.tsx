/** What the focused cell needs and what needs it, why it holds others up, and in which order prompts are asked. */

import { CellNumber } from "../cells/sentence.tsx";
import { useNotebook } from "../store/context.ts";
import { answerCalls } from "../store/answers.ts";
import { focusCell, focused } from "../store/focus.ts";
import { useGraph } from "../store/graph.ts";
import { isFolded, showsAllCells } from "../store/graph-view.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { answers } from "../store/status.ts";
import { withoutImplied } from "../store/held.ts";
import { answerSeconds, waveSeconds, withoutBarrier } from "../store/wave-times.ts";
import { wavesOf } from "../store/waves.ts";
import { plural, seconds } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { API } from "../wire/rest.ts";
import type { Graph, GraphEdge } from "../wire/shapes.ts";

const MOST_EDGES = 100;
const MOST_WAVES = 30;
const MOST_IN_WAVE = 12;

const WORDS: Readonly<Record<GraphEdge["kind"], string>> = {
  variable: "a variable",
  context: "goes along",
  barrier: "may use or change anything",
  in_the_way: "changed what was asked ahead",
  order: "asked before it",
};

export function GraphTab() {
  const notebook = useNotebook();
  const { graph, error } = useGraph(notebook);
  const id = focused.value;
  const value = graph.value;
  if (!value) return <p class="quiet-text">{error.value ?? "Reading what needs what"}</p>;
  const cells = notebook.whole.value?.cells;
  const waves = wavesOf(notebook.order.value, (one) => cells?.get(one)?.type === "PromptCell", value.edges);
  const secondsOf = (one: string) => answerSeconds(cells?.get(one), answerCalls.value);
  const hasTimes = waves.some((wave) => waveSeconds(wave, secondsOf) !== null);
  const holders = new Set(value.nodes.filter((node) => node.holds_order).map((node) => node.id));
  const number = id ? notebook.view(id).index.value + 1 : 0;
  const needed = id ? withoutImplied(value.edges, id).filter((edge) => edge.kind !== "order") : [];
  const isOfAll = showsAllCells.value || !number;
  return (
    <>
      <h2>
        What needs what
        <span class="end quiet-text">{waves.length ? plural(waves.length, "wave") : ""}</span>
      </h2>
      <div class="graph-head">
        <span class="segments" role="radiogroup" aria-label="Of which cells">
          <button role="radio" aria-checked={!isOfAll} disabled={!number} onClick={() => (showsAllCells.value = false)}>
            {number ? `Cell ${number}` : "One cell"}
          </button>
          <button role="radio" aria-checked={isOfAll} onClick={() => (showsAllCells.value = true)}>
            All cells
          </button>
        </span>
        <button class="button small" aria-pressed={isFolded.value} onClick={() => (isFolded.value = !isFolded.value)}>
          <Icon name="fold" />
          Folded
        </button>
        <a
          class="button small"
          href={`${API}notebooks/${encodeURIComponent(notebook.id)}/graph?format=svg`}
          download={`${notebook.name.value || "graph"}.svg`}
        >
          <Icon name="out" />
          SVG
        </a>
      </div>
      {isOfAll || !id ? (
        <Pairs edges={value.edges.filter((edge) => edge.kind !== "order")} />
      ) : (
        <>
          <Barrier graph={value} id={id} number={number} secondsOf={secondsOf} />
          <div class="needs-lists">
            <div>
              <h2>Cell {number} needs</h2>
              <Edges edges={needed.filter((edge) => edge.target === id)} end="source" />
            </div>
            <div>
              <h2>Needed by</h2>
              <Edges edges={needed.filter((edge) => edge.source === id)} end="target" />
            </div>
          </div>
        </>
      )}
      {waves.length > 0 && (
        <>
          <h2>In which order prompts are asked</h2>
          <table class="wave-table">
            <tbody>
              {waves.slice(0, MOST_WAVES).map((wave, at) => (
                <tr key={at}>
                  <th scope="row">Wave {at + 1}</th>
                  <td>
                    {wave.slice(0, MOST_IN_WAVE).map((prompt) => (
                      <span key={prompt}>
                        <CellNumber id={prompt} /> <code>{cells?.get(prompt)?.response_var ?? ""}</code>
                        {cells?.get(prompt)?.for_each ? itemsAtOnce(answers(cells.get(prompt)!).length) : ""}
                        {holders.has(prompt) && wave.length === 1 ? ", alone" : ""}
                      </span>
                    ))}
                    {wave.length > MOST_IN_WAVE && <span>{`and ${wave.length - MOST_IN_WAVE} more`}</span>}
                  </td>
                  <td class="figures">{inWords(waveSeconds(wave, secondsOf))}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="note">
            {hasTimes && "Times are those of the last answers. "}
            Code and memory run in the order of the document.
          </p>
        </>
      )}
    </>
  );
}

function itemsAtOnce(count: number): string {
  return count > 1 ? `, ${count} items at once` : ", all items at once";
}

const inWords = (took: number | null) => (took === null ? "" : seconds(took));

interface BarrierProps {
  readonly graph: Graph;
  readonly id: string;
  readonly number: number;
  readonly secondsOf: (id: string) => number | null;
}

/** Why a cell holds others up, or is held up by all, as a sentence. */
function Barrier({ graph, id, number, secondsOf }: BarrierProps) {
  const notebook = useNotebook();
  const reason = graph.nodes.find((node) => node.id === id)?.barrier;
  const cell = notebook.view(id).cell.value;
  const order = notebook.order.value;
  const isPrompt = (one: string) => notebook.view(one).cell.value?.type === "PromptCell";
  const behind = withoutImplied(graph.edges, id).filter(
    ({ kind, source, target }) => source === id && (kind === "order" || (kind === "barrier" && (!cell?.tools?.length || isPrompt(target)))),
  );
  const needsNothing = behind.every(({ kind }) => kind === "order");
  if (!reason) return null;
  const [tool, ...tools] = cell?.tools ?? [];
  const gained = tool && !tools.length ? withoutBarrier(id, order, isPrompt, graph.edges, secondsOf) : null;
  const maker = graph.edges.find((edge) => edge.target === id && edge.variable === tool)?.source ?? madeBy(notebook, tool);
  return (
    <section class="barrier-note">
      <h3>
        <Icon name="barrier" />
        Cell {number} is a barrier
      </h3>
      <p>
        <Coded text={tool ? toolsSentence(cell?.tools ?? []) : sentence(reason)} /> So it waits for every prompt above it
        {behind.length > 0 && (
          <>
            , and {behind.slice(0, 5).map((edge) => <><CellNumber id={edge.target} /> </>)}
            {behind.length > 5 && `and ${behind.length - 5} more `}
            {behind.length > 1 ? "wait for it" : "waits for it"}
            {needsNothing && `, though ${behind.length > 1 ? "they need" : "it needs"} nothing of it`}
          </>
        )}
        .
      </p>
      {gained && (
        <p class="gained">
          {`Without the tool, ${togetherText(gained.together, order)}: ${plural(gained.waves, "wave")}`}
          {gained.lessSeconds !== null && gained.lessSeconds >= 0.05
            ? `, ≈ ${seconds(gained.lessSeconds)} less.`
            : `, ${gained.fewer} less.`}
        </p>
      )}
      {cell?.type === "PromptCell" && tool && (
        <p class="row">
          {maker && (
            <button class="button small" onClick={() => focusCell(maker)}>
              <Icon name="tool" />
              Show the tool
            </button>
          )}
          <button
            class="button small"
            title={`Without ${tool}, cell ${number} holds nobody up`}
            onClick={() => notebook.change(id, { tools: (cell.tools ?? []).filter((name) => name !== tool) })}
          >
            {tools.length ? `Remove ${tool} from cell ${number}` : `Remove it from cell ${number}`}
          </button>
        </p>
      )}
    </section>
  );
}

/** The cell that defines a tool, where the graph has no edge for it. */
function madeBy(notebook: OpenNotebook, tool: string | undefined): string | undefined {
  if (!tool) return undefined;
  const defines = new RegExp(`^(async )?def ${tool.replace(/\W/g, "")}\\(`, "m");
  return notebook.order.value.find((id) => defines.test(notebook.view(id).cell.value?.content ?? ""));
}

function togetherText(ids: readonly string[], order: readonly string[]): string {
  const numbers = ids.map((id) => order.indexOf(id) + 1);
  const shown = numbers.slice(0, 4).join(", ").replace(/, (\d+)$/, " and $1");
  return numbers.length > 4 ? `${numbers.length} are asked together` : numbers.length > 1 ? `${shown} are asked together` : `${shown} waits for less`;
}

/** A text with its code in backticks. */
function Coded({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 ? <code>{part}</code> : part))}</>;
}

/** "It may call `a` and `b`, which may change any variable." */
function toolsSentence(tools: readonly string[]): string {
  const named = tools.slice(0, 3).map((tool) => `\`${tool}\``);
  const rest = tools.length > 3 ? [...named, `${tools.length - 3} more`] : named;
  const listed = rest.join(", ").replace(/, ([^,]+)$/, " and $1");
  return `It may call ${listed}, which may change any variable.`;
}

/** A clause as a sentence. */
function sentence(clause: string): string {
  return `${clause.slice(0, 1).toUpperCase()}${clause.slice(1).replace(/\.$/, "")}.`;
}

function Pairs({ edges }: { edges: readonly GraphEdge[] }) {
  if (!edges.length) return <p class="quiet-text">No cell needs another.</p>;
  return (
    <ul class="edges">
      {edges.slice(0, MOST_EDGES).map((edge) => (
        <li>
          <CellNumber id={edge.target} /> needs <CellNumber id={edge.source} /> {what(edge)}
        </li>
      ))}
      {edges.length > MOST_EDGES && <li class="quiet-text">{`and ${edges.length - MOST_EDGES} more`}</li>}
    </ul>
  );
}

function Edges({ edges, end }: { edges: readonly GraphEdge[]; end: "source" | "target" }) {
  if (!edges.length) return <p class="quiet-text">Nothing.</p>;
  const byCell = new Map<string, GraphEdge[]>();
  for (const edge of edges) byCell.set(edge[end], [...(byCell.get(edge[end]) ?? []), edge]);
  return (
    <ul class="edges">
      {[...byCell].slice(0, MOST_EDGES).map(([id, joined]) => {
        const variables = joined.flatMap(({ variable }) => (variable ? [variable] : []));
        return (
          <li key={id}>
            <CellNumber id={id} /> {variables.length ? <code>{variables.join(", ")}</code> : joined.slice(0, 1).map(what)}
          </li>
        );
      })}
    </ul>
  );
}

function what(edge: GraphEdge) {
  return edge.variable ? <code>{edge.variable}</code> : WORDS[edge.kind];
}
