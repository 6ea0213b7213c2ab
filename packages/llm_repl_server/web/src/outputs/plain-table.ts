/** Reads a table that a library wrote as HTML, as the frames of pandas and polars do. */

export interface TableCell {
  readonly text: string;
  readonly isHead: boolean;
  readonly columns: number;
  readonly rows: number;
}

export interface PlainTable {
  readonly head: readonly (readonly TableCell[])[];
  readonly body: readonly (readonly TableCell[])[];
  /** By column: whether it has numbers alone. */
  readonly numeric: readonly boolean[];
  /** How many columns name the rows. */
  readonly indexColumns: number;
  /** As the library says, where it shows a part; else what there is. */
  readonly rowCount: number;
  readonly columnCount: number;
  readonly caption: string;
}

const ALLOWED = new Set(
  ["DIV", "OWN-STYLE", "TABLE", "THEAD", "TBODY", "TFOOT", "TR", "TH", "TD", "P", "SMALL", "CAPTION", "COLGROUP", "COL", "BR"],
);
const NUMBER = /^(?:[-+−]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?%?|nan|inf|-inf|none|null|<na>|nat|\.\.\.|…|)$/i;
const MOST_SPAN = 1_000;

/**
 * The table, where there is nothing else that is worth showing; null: the HTML is more than that,
 * so that it belongs into a frame. Nothing of it is ever used as HTML: texts alone are taken.
 */
export function readTable(html: string): PlainTable | null {
  if (!html.includes("<table")) return null;
  // By other names: the page's policy would log each style that the parser meets.
  const unstyled = html.replace(/(<\/?)style\b/gi, "$1own-style").replace(/\sstyle=/gi, " own-style=");
  const { body } = new DOMParser().parseFromString(unstyled, "text/html");
  const tables = body.querySelectorAll("table");
  const [table] = tables;
  if (tables.length !== 1 || !table || !isPlain(body)) return null;
  const head = rowsOf(table, "thead");
  const rows = rowsOf(table, "tbody");
  const first = rows[0] ?? head.at(-1);
  if (!first) return null;
  const width = widthOf(first);
  // A frame without rows has nothing but the gap above their names.
  const isName = (cell: TableCell, at: number) => (rows.length ? cell.isHead : first.slice(0, at + 1).every(({ text }) => !text));
  const names = first.filter(isName);
  const indexColumns = names.reduce((sum, cell) => sum + cell.columns, 0);
  const numeric = Array.from({ length: width }, () => true);
  const filled = Array.from({ length: width }, () => false);
  for (const row of rows) {
    // From the end: a name of rows that spans several is missing at the start.
    let column = width;
    for (const cell of [...row].reverse()) {
      column -= cell.columns;
      if (!NUMBER.test(cell.text)) numeric[column] = false;
      if (/\d/.test(cell.text)) filled[column] = true;
    }
  }
  const [rowCount, columnCount] = countsOf(body) ?? [rows.length, width - indexColumns];
  return {
    head,
    body: rows,
    numeric: numeric.map((isNumeric, column) => isNumeric && filled[column] === true && column >= indexColumns),
    indexColumns,
    rowCount,
    columnCount,
    caption: table.caption?.textContent?.trim() ?? "",
  };
}

export function widthOf(row: readonly TableCell[]): number {
  return row.reduce((sum, cell) => sum + cell.columns, 0);
}

/** The table as text that spreadsheets read; names of rows that only count them are left out. */
export function asCSV(table: PlainTable): string {
  const counts =
    table.indexColumns === 1 && table.body.every((row, at) => row[0]?.isHead && row[0].text === String(at));
  const line = (row: readonly TableCell[]) =>
    row
      .flatMap((cell) => [cell.text, ...Array.from({ length: cell.columns - 1 }, () => "")])
      .slice(counts ? 1 : 0)
      .map((text) => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text))
      .join(",");
  const width = widthOf(table.body[0] ?? []);
  const full = (row: readonly TableCell[]) => {
    const missing = width - widthOf(row);
    const empty = { text: "", isHead: true, columns: 1, rows: 1 };
    return [...Array.from({ length: Math.max(0, missing) }, () => empty), ...row];
  };
  return [...table.head, ...table.body].map((row) => `${line(full(row))}\n`).join("");
}

function isPlain(body: HTMLElement): boolean {
  for (const element of body.querySelectorAll("*")) {
    if (!ALLOWED.has(element.tagName)) return false;
    if (element.tagName === "OWN-STYLE" && !element.textContent?.includes(".dataframe")) return false;
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) return false;
      if (name === "own-style" && !/^\s*text-align:\s*\w+;?\s*$/.test(value)) return false;
    }
  }
  return true;
}

function rowsOf(table: HTMLTableElement, part: "thead" | "tbody"): TableCell[][] {
  const rows = [...table.querySelectorAll<HTMLTableRowElement>(`${part} > tr`)];
  return rows.map((row) =>
    [...row.cells].map((cell) => ({
      text: (cell.textContent ?? "").trim(),
      isHead: cell.tagName === "TH",
      columns: Math.min(cell.colSpan, MOST_SPAN),
      rows: Math.min(cell.rowSpan, MOST_SPAN),
    })),
  );
}

/** "1000 rows × 4 columns" of pandas, "shape: (1_000, 4)" of polars. */
function countsOf(body: HTMLElement): readonly [number, number] | null {
  for (const element of body.querySelectorAll("p, small")) {
    const match = /^(?:shape: \()?([\d_,]+?)(?: rows × |, )([\d_,]+)(?: columns|\))$/.exec(element.textContent?.trim() ?? "");
    if (match) return [numberOf(match[1]), numberOf(match[2])];
  }
  return null;
}

const numberOf = (text: string | undefined) => Number((text ?? "0").replace(/[_,]/g, ""));
