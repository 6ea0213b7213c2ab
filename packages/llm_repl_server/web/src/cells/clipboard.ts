/** Cells as text for the clipboard, and what is pasted as cells. Pure. */

import { fieldsOf } from "../store/structure.ts";
import type { Cell, CellFields, CellType } from "../wire/shapes.ts";
import { nbformatOutput, usableOutputs } from "./nbformat-outputs.ts";

const LIMIT_CELLS = 2_000;
const LIMIT_CHARACTERS = 20_000_000;

const WORDS: Readonly<Record<CellType, string>> = {
  MarkdownCell: "markdown", ComputationCell: "code", PromptCell: "prompt", MemoryCell: "memory",
};
const TYPES = new Map<string, CellType>([
  ...Object.entries(WORDS).map(([type, word]) => [word, type as CellType] as const),
  ...Object.keys(WORDS).map((type) => [type, type as CellType] as const),
]);

/** A cell that comes from elsewhere: its fields, and all of it where it has given something. */
export type PastedCell = CellFields & { readonly nbformat?: NbformatCell };

export type NbformatCell = Readonly<Record<string, unknown>>;

/**
 * Cells as nbformat has them, with what they gave: a text that JupyterLab and this page paste as cells.
 * Where that is more than can be pasted again, they come without.
 */
export function toNbformat(cells: readonly Cell[]): string {
  const text = document(cells.map((cell) => nbformatCell(cell, cell)));
  return text.length <= LIMIT_CHARACTERS ? text : document(cells.map((cell) => nbformatCell(cell)));
}

function document(cells: readonly NbformatCell[]): string {
  return JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, null, 1);
}

/** @param given What it gave; absent: nothing. */
function nbformatCell(fields: CellFields, given?: Pick<Cell, "outputs" | "execution_count">): NbformatCell {
  const count = given?.execution_count ?? null;
  const outputs = given?.outputs ?? [];
  return isCode(fields)
    ? { ...emptyCell(fields), execution_count: count, outputs: outputs.map((output) => nbformatOutput(output, count)) }
    : withOwn(emptyCell(fields), outputs.length ? { outputs, execution_count: count } : {});
}

const isCode = ({ type }: CellFields) => type === "ComputationCell" || type === "MemoryCell";

function emptyCell(fields: CellFields): NbformatCell {
  const { type = "ComputationCell", content, metadata, ...options } = fieldsOf(fields as Cell);
  const own = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false));
  return {
    cell_type: isCode(fields) ? "code" : "markdown",
    metadata: {
      ...metadata,
      ...(type === "PromptCell" ? { solveit_ai: true } : {}),
      llm_repl: { ...own, type: WORDS[type] },
    },
    source: content ?? "",
    ...(isCode(fields) ? { execution_count: null, outputs: [] } : {}),
  };
}

/** With more in what is this page's own of it. */
function withOwn(cell: NbformatCell, more: object): NbformatCell {
  const metadata = cell["metadata"] as { readonly llm_repl: object };
  return { ...cell, metadata: { ...metadata, llm_repl: { ...metadata.llm_repl, ...more } } };
}

/** A cell that is there as one to paste: a copy has what it gave. */
export function copyOf(cell: Cell): PastedCell {
  const fields = fieldsOf(cell);
  return cell.outputs.length ? { ...fields, nbformat: nbformatCell(cell, cell) } : fields;
}

/** Cells as one text: their sources with empty lines between. */
export function toText(cells: readonly Cell[]): string {
  return cells.map((cell) => cell.content).join("\n\n");
}

/**
 * What is pasted, as cells. Only what a cell may hold is taken, and nothing of it runs or is shown as
 * HTML in the page: a clipboard may come from anywhere.
 */
export function fromText(text: string): readonly PastedCell[] {
  if (text.length > LIMIT_CHARACTERS) return [];
  const clean = text.replace(/\r\n?/g, "\n");
  return fromNbformat(clean) ?? fromMarkdown(clean);
}

/** Cells of an nbformat notebook, of its list of cells, or of one cell; null: it is none of these. */
export function fromNbformat(text: string): readonly PastedCell[] | null {
  if (!/^\s*[[{]/.test(text)) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const found = isObject(document) && Array.isArray(document["cells"]) ? document["cells"]
    : Array.isArray(document) ? document
      : [document];
  const cells = found.slice(0, LIMIT_CELLS).map(fromNbformatCell);
  return cells.length && cells.every((cell) => cell !== null) ? cells : null;
}

function fromNbformatCell(value: unknown): PastedCell | null {
  if (!isObject(value) || typeof value["cell_type"] !== "string") return null;
  const content = textOf(value["source"]);
  if (content === null) return null;
  const { llm_repl: own, solveit_ai: isPrompt, ...metadata } = isObject(value["metadata"]) ? value["metadata"] : {};
  const named = isObject(own) && typeof own["type"] === "string" ? TYPES.get(own["type"]) : undefined;
  const type = isPrompt === true ? "PromptCell"
    : named ?? (value["cell_type"] === "code" ? "ComputationCell" : "MarkdownCell");
  const fields: CellFields = { type, content, metadata, ...(isObject(own) ? optionsOf(own, type) : {}) };
  const given = isCode(fields) ? usableOutputs(value["outputs"], "output_type") : isObject(own) ? usableOutputs(own["outputs"], "type") : [];
  if (!given.length) return fields;
  const count = isCode(fields) ? value["execution_count"] : isObject(own) ? own["execution_count"] : null;
  const more = { outputs: given, execution_count: Number.isInteger(count) ? count : null };
  const empty = emptyCell(fields);
  return { ...fields, nbformat: isCode(fields) ? { ...empty, ...more } : withOwn(empty, withContext(more, own)) };
}

/** The server keeps of the cells that a prompt names those that are there. */
function withContext(more: object, own: unknown): object {
  const context = isObject(own) ? own["context"] : null;
  return Array.isArray(context) && context.every((id) => typeof id === "string") ? { ...more, context } : more;
}

/** The choices of a cell that have the right kind of value; all others are dropped. */
function optionsOf(own: Record<string, unknown>, type: CellType): CellFields {
  const isText = (value: unknown) => typeof value === "string";
  const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
  const isFlag = (value: unknown) => typeof value === "boolean";
  const shared = { pinned: isFlag, skipped: isFlag };
  const ofPrompts = {
    model: isText, provider: isText, response_var: isText, system: isText, for_each: isText,
    temperature: (value: unknown) => typeof value === "number" && value >= 0 && value <= 2,
    tools: isTexts, attachments: isTexts, parameters: isObject,
    // A list names cells of where it was copied from.
    context: (value: unknown) => value === "above" || value === "isolated",
    schema: (value: unknown) => isText(value) || isObject(value),
  };
  const checks: Record<string, (value: unknown) => boolean> = type === "PromptCell" ? { ...shared, ...ofPrompts } : shared;
  return Object.fromEntries(Object.entries(own).filter(([name, value]) => checks[name]?.(value)));
}

/** Markdown whose fenced Python blocks become cells of code; a text without any is one cell. */
export function fromMarkdown(text: string): readonly CellFields[] {
  const cells: CellFields[] = [];
  const add = (type: CellType, content: string) => {
    if (content.trim() && cells.length < LIMIT_CELLS) cells.push({ type, content });
  };
  const fence = /^(`{3,}|~{3,})[ \t]*(?:python|py|python3)[ \t]*\n([\s\S]*?)\n?^\1[ \t]*$\n?/gim;
  let end = 0;
  for (const match of text.matchAll(fence)) {
    add("MarkdownCell", text.slice(end, match.index).trim());
    add("ComputationCell", match[2] ?? "");
    end = match.index + match[0].length;
  }
  add("MarkdownCell", text.slice(end).trim());
  return cells;
}

function textOf(source: unknown): string | null {
  if (typeof source === "string") return source;
  if (Array.isArray(source) && source.every((line) => typeof line === "string")) return source.join("");
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
