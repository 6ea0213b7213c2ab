/** What needs what, as arcs in the free margin left of the cells. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { useGraph } from "../store/graph.ts";
import { isFolded, showsAllCells } from "../store/graph-view.ts";
import { withoutImplied } from "../store/held.ts";
import { arcsOf, type Place } from "./layout.ts";

/** With less, only the lists in the inspector are shown. */
const LEAST_MARGIN = 120;
/** What stands at the end of a line of a name, and is not to be seen. */
const SPACE = 7;

export function Arcs() {
  const notebook = useNotebook();
  const { graph } = useGraph(notebook);
  const order = notebook.order.value;
  const svg = useRef<SVGSVGElement>(null);
  const [places, setPlaces] = useState<ReadonlyMap<string, Place>>(new Map());
  const [size, setSize] = useState({ width: 0, height: 0 });

  useLayoutEffect(() => {
    const whole = svg.current?.parentElement;
    if (!whole) return;
    let frame = 0;
    const measure = () => {
      frame = 0;
      const base = whole.getBoundingClientRect();
      const found = new Map<string, Place>();
      for (const id of order) {
        const state = document.getElementById(`cell-${id}`)?.querySelector(".gutter .state");
        if (!state) continue;
        const { left, top, height } = state.getBoundingClientRect();
        found.set(id, { x: left - base.left, y: top + height / 2 - base.top });
      }
      setPlaces(found);
      setSize({ width: whole.clientWidth, height: whole.offsetHeight }); // not the scrolled height, of which the arcs are a part
    };
    const soon = () => (frame ||= requestAnimationFrame(measure));
    const observer = new ResizeObserver(soon);
    observer.observe(whole);
    addEventListener("scroll", soon, { passive: true }); // cells out of sight get their height when they come
    measure();
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      removeEventListener("scroll", soon);
    };
  }, [order, isFolded.value, focused.value]);

  useLayoutEffect(() => {
    // What is above it has another height now.
    document.getElementById(`cell-${focused.peek()}`)?.scrollIntoView({ block: "nearest" });
  }, [isFolded.value]);

  const margin = Math.min(...[...places.values()].map(({ x }) => x), Infinity);
  const focus = showsAllCells.value ? null : focused.value;
  const all = graph.value?.edges.filter(({ kind }) => kind !== "in_the_way") ?? [];
  const edges = focus ? withoutImplied(all, focus) : all;
  const arcs = margin >= LEAST_MARGIN && margin < Infinity ? arcsOf(edges, places, order, focus, margin) : [];
  return (
    <svg ref={svg} class="arcs" width={size.width} height={size.height} aria-hidden="true">
      {arcs.map((arc) => (
        <g key={`${arc.isStrong ? "strong" : "weak"} ${arc.key}`} class={arc.isBarrier ? "is-barrier" : arc.isStrong ? "is-strong" : ""}>
          <path d={arc.path} />
          <circle cx={arc.start.x} cy={arc.start.y} r="3" />
          <path class="tip" d={`M${arc.end.x + 3} ${arc.end.y}l-6 -3.5v7z`} />
        </g>
      ))}
      {arcs.map(({ key, label, isBarrier }) =>
        label ? (
          <g key={`label ${key}`} class={isBarrier ? "is-barrier" : "is-strong"}>
            <text y={label.y} text-anchor={isBarrier ? "start" : "end"} dominant-baseline="middle">
              {label.lines.map((line, at) => (
                <tspan key={at} x={line.endsWith(" ") ? label.x + SPACE : label.x} dy={at ? 16 : 0}>{line}</tspan>
              ))}
            </text>
          </g>
        ) : null,
      )}
    </svg>
  );
}
