/** The variables: what each is, and the cells that make and use it. */

import { useEffect, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { chosen, inOrder, whatItIs } from "../store/variable-lines.ts";
import { variablesOf } from "../store/variables.ts";
import { count, moment } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { Variable } from "../wire/variables.ts";
import { CellLink } from "./request.tsx";
import { Value } from "./value.tsx";

const AFTER_CELL_MS = 150;

export function VariablesTab() {
  const notebook = useNotebook();
  const { list, error, refresh } = variablesOf(notebook);
  const [text, setText] = useState("");
  const [ofCell, setOfCell] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  // A cell that ends changes how many are under way, or is followed by another.
  const underWay = notebook.underWay.value;
  const edited = notebook.unsent.value.size;
  useEffect(() => {
    const timer = setTimeout(() => void refresh(), AFTER_CELL_MS);
    return () => clearTimeout(timer);
  }, [notebook, underWay, edited]);

  const found = list.value;
  if (!found) return <p class="quiet-text">{error.value ?? "Reading the variables"}</p>;
  if (!found.variables.length) {
    return <p class="quiet-text">{found.busy ? "The kernel is busy, and nothing was looked at before." : "There are no variables yet: run a cell."}</p>;
  }
  const cellId = ofCell ? focused.value : null;
  // What it holds is listed under the names that it keeps.
  const own = found.variables.filter((variable) => variable.name !== "memory" || variable.type_name !== "dict");
  const shown = inOrder(chosen(own, text, cellId), notebook.order.value);
  return (
    <>
      <div class="find-name">
        <input
          type="search"
          placeholder="Find a name"
          aria-label="Find a name"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="button" aria-pressed={ofCell} disabled={!focused.value} onClick={() => setOfCell(!ofCell)}>
          Fields of this cell
        </button>
      </div>
      <table class="variables">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">What</th>
            <th scope="col">Value</th>
            <th scope="col">From</th>
            <th scope="col">Used</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((variable) => (
            <Row
              key={variable.name}
              variable={variable}
              isOpen={opened === variable.name}
              version={found}
              onToggle={() => setOpened(opened === variable.name ? null : variable.name)}
            />
          ))}
        </tbody>
      </table>
      {!shown.length && <p class="quiet-text">No variable is called so{cellId ? " and used by this cell" : ""}.</p>}
      {found.left_out > 0 && <p class="note">{count(found.left_out)} more are not listed.</p>}
      <p class="note">
        {found.taken_at && `As it was at ${moment(found.taken_at)}. `}
        {found.busy && "The kernel is busy: what runs is not in it yet. "}
        Values are cut at 200 letters here; nothing is asked of a busy kernel.
      </p>
    </>
  );
}

interface RowProps {
  readonly variable: Variable;
  readonly isOpen: boolean;
  readonly version: unknown;
  readonly onToggle: () => void;
}

function Row({ variable, isOpen, version, onToggle }: RowProps) {
  const what = whatItIs(variable);
  return (
    <>
      <tr class={isOpen ? "is-open" : undefined}>
        <th scope="row">
          <button class="name" aria-expanded={isOpen} title={variable.name} onClick={onToggle}>
            <code>{variable.name}</code>
            {variable.kept && (
              <span title="Kept with the notebook">
                <Icon name="memory" />
              </span>
            )}
          </button>
        </th>
        <td title={what}>{what}</td>
        <td title={variable.text}>{variable.text}</td>
        <td>{variable.made_by ? <CellLink id={variable.made_by} /> : "–"}</td>
        <td class="used">
          {variable.used_by.length ? variable.used_by.map((id) => <CellLink key={id} id={id} />) : "–"}
        </td>
      </tr>
      {isOpen && (
        <tr class="more">
          <td colSpan={5}>
            <Value name={variable.name} path={[]} version={version} />
          </td>
        </tr>
      )}
    </>
  );
}
