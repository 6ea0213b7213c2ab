/** A cell of code, and one of memory. */

import { useNotebook } from "../store/context.ts";
import { isToldByState, type Status } from "../store/status.ts";
import { flatDict } from "../outputs/flat-dict.ts";
import { Outputs } from "../outputs/outputs.tsx";
import { plural } from "../ui/format.ts";
import { Code } from "../editor/code.tsx";
import type { Cell, Output } from "../wire/shapes.ts";
import { Source } from "./source.tsx";
import { Scrolling } from "../ui/scrolling.tsx";
import { scrolls } from "../ui/scrolls.ts";
import { StateLine } from "./state-line.tsx";

interface Props {
  readonly cell: Cell;
  readonly status: Status | null;
  readonly onKey: (event: KeyboardEvent) => boolean;
}

export function CodeBody({ cell, status, onKey }: Props) {
  const notebook = useNotebook();
  const update = cell.outputs.find((output) => output.type === "memory_update");
  const others = cell.outputs.filter((output) => output !== update && !isToldByState(output.ename));
  // A failure is said by the output itself, and of code that never ran the gutter says enough.
  // What is kept here has a mark below it.
  const shown = status?.tone === "fails" || status?.icon === "idle" || status?.icon === "kept" ? null : status;
  return (
    <>
      <Source
        cellId={cell.id}
        text={cell.content}
        language="python"
        label={cell.type === "MemoryCell" ? "memory" : "code"}
        class="source block"
        onChange={(content) => notebook.change(cell.id, { content })}
        onKey={onKey}
      >
        <pre ref={scrolls}>{cell.content ? <Code text={cell.content} /> : <Hint type={cell.type} />}</pre>
      </Source>
      <StateLine cellId={cell.id} status={shown} />
      {update && <MemoryUpdate update={update} />}
      {others.length > 0 && (
        <div class="output">
          <Outputs outputs={others} />
        </div>
      )}
    </>
  );
}

function Hint({ type }: { type: Cell["type"] }) {
  return <span class="hint">{type === "MemoryCell" ? "name = value, kept with the notebook" : "Python"}</span>;
}

function MemoryUpdate({ update }: { update: Output }) {
  const entries = Object.entries(update.updated_state ?? {});
  return (
    <>
      {entries.map(([name, value]) => {
        const table = flatDict(value);
        return (
          <div class="memory-value" key={name}>
            <p>
              <code class="variable">{name}</code>
              {table ? <span>{plural(table.length, "entry", "entries")}, kept with the notebook</span> : <span class="memory-text">{value}</span>}
              {update.added?.includes(name) && <span class="end">new</span>}
            </p>
            {table && (
              <Scrolling>
                <table>
                  <thead>
                    <tr>{table.map(([key]) => <th key={key} scope="col">{key}</th>)}</tr>
                  </thead>
                  <tbody>
                    <tr>{table.map(([key, held]) => <td key={key}>{held}</td>)}</tr>
                  </tbody>
                </table>
              </Scrolling>
            )}
          </div>
        );
      })}
    </>
  );
}
