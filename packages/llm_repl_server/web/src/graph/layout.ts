/** Where arcs stand in the margin: nested, the longer the further out. Pure. */

import type { GraphEdge } from "../wire/shapes.ts";

export interface Place {
  /** Where the first line of a cell stands, in pixels from the top of the document. */
  readonly y: number;
  /** Where its gutter begins, in pixels from the left. */
  readonly x: number;
}

export interface Label {
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
}

export interface Arc {
  readonly key: string;
  readonly path: string;
  readonly start: { readonly x: number; readonly y: number };
  readonly end: { readonly x: number; readonly y: number };
  /** Its variables, a line each; `y` is the middle of the first. */
  readonly label: Label | null;
  readonly isStrong: boolean;
  readonly isBarrier: boolean;
}

const MOST_ARCS = 400;
const NARROWEST = 24;
/** The width of a letter of a label. */
const LETTER = 7.5;
const LINE = 16;
const MOST_LINES = 3;
/** So many letters stand in a line together. */
const SHORT = 12;

/** The arcs between cells; several variables between two cells are one arc. */
export function arcsOf(
  edges: readonly GraphEdge[],
  places: ReadonlyMap<string, Place>,
  order: readonly string[],
  focus: string | null,
  margin: number,
): readonly Arc[] {
  const at = new Map(order.map((id, index) => [id, index]));
  const named = new Set(edges.filter(({ kind }) => kind === "variable").map(pairOf));
  const joined = new Map<string, { edge: GraphEdge; variables: string[] }>();
  for (const edge of edges) {
    if (!places.has(edge.source) || !places.has(edge.target)) continue;
    if (holdsUp(edge) && named.has(pairOf(edge))) continue;
    const key = pairOf(edge);
    const known = joined.get(key);
    if (!known) joined.set(key, { edge, variables: edge.variable ? [edge.variable] : [] });
    else if (edge.variable && !known.variables.includes(edge.variable)) known.variables.push(edge.variable);
  }
  const length = (edge: GraphEdge) => (at.get(edge.target) ?? 0) - (at.get(edge.source) ?? 0);
  const isStrong = (edge: GraphEdge) => edge.source === focus || edge.target === focus;
  const drawn = [...joined.entries()]
    .sort(([, a], [, b]) => Number(isStrong(b.edge)) - Number(isStrong(a.edge)) || length(a.edge) - length(b.edge))
    .slice(0, MOST_ARCS);
  const longest = Math.max(...drawn.map(([, { edge }]) => length(edge)), 1);
  const [firstBarrier] = drawn.find(([, { edge }]) => holdsUp(edge) && isStrong(edge)) ?? [];
  return beside(drawn
    .map(([key, { edge, variables }]) =>
      arc(key, edge, variables, places, margin, length(edge) / longest, isStrong(edge), key === firstBarrier),
    )
    .sort((a, b) => Number(a.isStrong) - Number(b.isStrong))); // the strong ones on top
}

/** The arcs with labels that do not stand on one another: one goes down until it has room. */
function beside(arcs: readonly Arc[]): readonly Arc[] {
  const taken: Label[] = [];
  return arcs.map((arc) => {
    let { label } = arc;
    while (label && taken.some((other) => meet(label!, other))) label = { ...label, y: label.y + LINE };
    if (label) taken.push(label);
    return label === arc.label ? arc : { ...arc, label };
  });
}

function meet(one: Label, other: Label): boolean {
  const isAbove = (a: Label, b: Label) => a.y + a.lines.length * LINE <= b.y;
  return !isAbove(one, other) && !isAbove(other, one);
}

function holdsUp({ kind }: GraphEdge): boolean {
  return kind === "barrier" || kind === "order";
}

function arc(
  key: string, edge: GraphEdge, variables: readonly string[], places: ReadonlyMap<string, Place>,
  margin: number, share: number, isStrong: boolean, isFirstBarrier: boolean,
): Arc {
  const from = places.get(edge.source) ?? { x: 0, y: 0 };
  const to = places.get(edge.target) ?? { x: 0, y: 0 };
  const start = { x: from.x - 4, y: from.y + 5 };
  const end = { x: to.x - 4, y: to.y - 5 };
  const room = Math.max(NARROWEST, margin - 72);
  const out = Math.min(start.x, end.x) - NARROWEST - (room - NARROWEST) * Math.sqrt(share);
  const height = end.y - start.y;
  const bend = Math.min(Math.abs(height) / 2, 48);
  const path = height > 2 * bend
    ? `M${start.x} ${start.y}C${out} ${start.y} ${out} ${start.y} ${out} ${start.y + bend}L${out} ${end.y - bend}C${out} ${end.y} ${out} ${end.y} ${end.x} ${end.y}`
    : `M${start.x} ${start.y}C${out} ${start.y} ${out} ${end.y} ${end.x} ${end.y}`;
  const isBarrier = holdsUp(edge);
  // Between the window's edge and the gutter.
  const letters = Math.floor((Math.min(start.x, end.x) - 8) / LETTER);
  const lines = isBarrier ? (isFirstBarrier ? ["barrier"] : []) : linesOf(variables, letters);
  const width = Math.max(...lines.map((line) => line.trim().length), 0) * LETTER;
  return {
    key, path, start, end, isStrong, isBarrier: isBarrier && isStrong,
    label: isStrong && lines.length
      ? { lines, x: isBarrier ? out + 6 : Math.max(width + 4, out - 4), y: (start.y + end.y - (lines.length - 1) * LINE) / 2 }
      : null,
  };
}

function pairOf({ source, target }: GraphEdge): string {
  return `${source} ${target}`;
}

/** As many in a line as it has room for. */
function linesOf(variables: readonly string[], letters: number): readonly string[] {
  const lines: string[] = [];
  variables.forEach((name, at) => {
    const text = cut(name, letters) + (at < variables.length - 1 ? ", " : "");
    const last = lines.at(-1);
    if (last !== undefined && (last + text).trim().length <= SHORT) lines.splice(-1, 1, last + text);
    else lines.push(text);
  });
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES - 1), "…"] : lines;
}

function cut(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, Math.max(1, letters - 1))}…` : text;
}
