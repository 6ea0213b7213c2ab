/** A value that is opened: a table, its parts, or a piece of a text, a page at a time. */

import { useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { whatItIs } from "../store/variable-lines.ts";
import { count } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { variableCalls, type ValueEntry, type ValuePage } from "../wire/variables.ts";
import { useFetched } from "./fetched.ts";

const PER_PAGE = 20;
const NUMBERS = /int|float|complex|decimal/i;

interface Props {
  readonly name: string;
  readonly path: readonly string[];
  /** Changes when the value may have. */
  readonly version: unknown;
}

export function Value({ name, path, version }: Props) {
  const notebook = useNotebook();
  const [page, setPage] = useState(0);
  const { value, error, isOld } = useFetched(
    (signal) => variableCalls.value(notebook.id, name, path, page, PER_PAGE, signal),
    [notebook.id, name, path.join("\0"), page, version],
  );
  if (error && !isOld) return <p class="note">{error}</p>;
  if (!value) return <p class="quiet-text">Reading {name}</p>;
  return (
    <div class="value">
      {value.kind === "table" && <Table value={value} />}
      {value.kind === "entries" && (
        <ul class="parts">
          {value.entries.map((entry) => (
            <Part key={entry.step} name={name} path={path} entry={entry} version={version} />
          ))}
        </ul>
      )}
      {(value.kind === "text" || value.kind === "value") && (
        <pre class="peek">
          {value.piece}
          {value.is_cut && "…"}
        </pre>
      )}
      <Pager value={value} onPage={setPage} />
    </div>
  );
}

function Part({ name, path, entry, version }: Props & { readonly entry: ValueEntry }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <li>
      <button class="part" disabled={!entry.has_parts} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <span class="turn">{entry.has_parts && <Icon name={isOpen ? "down" : "right"} />}</span>
        <code>{entry.label}</code>
        <span class="cut">{entry.text}</span>
        <span class="what">{whatItIs(entry)}</span>
      </button>
      {isOpen && <Value name={name} path={[...path, entry.step]} version={version} />}
    </li>
  );
}

function Table({ value }: { readonly value: ValuePage }) {
  const isNumber = value.columns.map((column) => NUMBERS.test(column.dtype));
  return (
    <div class="frame" tabIndex={0} role="region" aria-label="Rows">
      <table>
        <thead>
          <tr>
            <th />
            {value.columns.map((column, at) => (
              <th key={at} scope="col" class={isNumber[at] ? "figures is-number" : undefined} title={column.dtype}>
                {column.name || column.dtype}
                {column.name && <small>{column.dtype}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {value.rows.map((row, at) => (
            <tr key={at}>
              <th scope="row" class="figures">
                {row.label}
              </th>
              {row.cells.map((cell, column) => (
                <td key={column} class={isNumber[column] ? "figures is-number" : undefined} title={cell}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {value.columns_left_out > 0 && <p class="note">{count(value.columns_left_out)} more columns</p>}
    </div>
  );
}

function Pager({ value, onPage }: { readonly value: ValuePage; readonly onPage: (page: number) => void }) {
  const { page, per_page: perPage, total } = value;
  if (value.kind === "value" || total <= perPage) return null;
  const first = page * perPage + 1;
  const last = Math.min(first + perPage - 1, total);
  return (
    <div class="pager">
      <span class="figures">
        {count(first)} to {count(last)} of {count(total)}
      </span>
      <button class="button quiet only-icon" aria-label="Page before" title="Page before" disabled={page === 0} onClick={() => onPage(page - 1)}>
        <Icon name="left" />
      </button>
      <button class="button quiet only-icon" aria-label="Next page" title="Next page" disabled={last >= total} onClick={() => onPage(page + 1)}>
        <Icon name="right" />
      </button>
    </div>
  );
}
