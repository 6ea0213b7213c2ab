/** A table of a library, in the page's own looks. */

import { useState } from "preact/hooks";
import { count, plural } from "../ui/format.ts";
import { Scrolling } from "../ui/scrolling.tsx";
import { Icon } from "../ui/icon.tsx";
import { asCSV, widthOf, type PlainTable, type TableCell } from "./plain-table.ts";

const MOST_CELLS = 5_000;
const LEAST_ROWS = 20;
/** A text of so many characters, as a date or a name, stays on one line. */
const SHORT = 30;

export function Table({ table }: { table: PlainTable }) {
  const width = widthOf(table.body[0] ?? table.head.at(-1) ?? []);
  const part = Math.max(LEAST_ROWS, Math.floor(MOST_CELLS / Math.max(width, 1)));
  const [shown, setShown] = useState(part);
  const rows = table.body.slice(0, shown);
  const left = table.body.length - rows.length;
  const isPart = table.rowCount > table.body.length || table.columnCount > width - table.indexColumns;
  return (
    <>
      <Scrolling>
        <table class="grid of-data">
          {table.caption && <caption>{table.caption}</caption>}
          <thead>{table.head.map((row) => drawn(row, table, width))}</thead>
          <tbody>{rows.map((row) => drawn(row, table, width))}</tbody>
        </table>
      </Scrolling>
      <p class="table-line">
        <span class="figures">
          {plural(table.rowCount, "row")}, {plural(table.columnCount, "column")}
          {isPart && ", of which a part is shown"}
        </span>
        {left > 0 && (
          <button class="button quiet small" onClick={() => setShown(shown + part)}>
            {count(left)} more
          </button>
        )}
        <button class="button quiet small" onClick={() => void navigator.clipboard.writeText(asCSV(table))}>
          <Icon name="copy" />
          {isPart ? "Copy what is shown as CSV" : "Copy as CSV"}
        </button>
      </p>
    </>
  );
}

function drawn(row: readonly TableCell[], table: PlainTable, width: number) {
  let column = width - widthOf(row);
  return (
    <tr>
      {row.map((cell) => {
        const at = column;
        column += cell.columns;
        const isNumber = cell.columns === 1 && table.numeric[at];
        const Tag = cell.isHead ? "th" : "td";
        return (
          <Tag
            class={isNumber ? "number" : cell.text.length <= SHORT ? "short" : undefined}
            colSpan={cell.columns > 1 ? cell.columns : undefined}
            rowSpan={cell.rows > 1 ? cell.rows : undefined}
          >
            <bdi>{cell.text}</bdi>
          </Tag>
        );
      })}
      {table.numeric.at(-1) && <td class="filler" />}
    </tr>
  );
}
