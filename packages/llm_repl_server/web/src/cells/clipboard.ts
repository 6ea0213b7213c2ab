/** Cells as text for the clipboard, and what is pasted as cells. Pure. */

import { fieldsOf } from "../store/structure.ts";
import type { Cell, CellFields, CellType } from "../wire/shapes.ts";

const LIMIT_CELLS = 2_000;
const LIMIT_CHARACTERS = 20_000_000;

const WORDS: Readonly<Record<CellType, string>> = {
  MarkdownCell: "markdown", ComputationCell: "code", PromptCell: "prompt", MemoryCell: "memory",
};
const TYPES = new Map<string, CellType>([
  ...Object.entries(WORDS).map(([type, word]) => [word, type as CellType] as const),
  ...Object.keys(WORDS).map((type) => [type, type as CellType] as const),
]);

/** Cells as nbformat has them: a text that JupyterLab and this page paste as cells. */
export function toNbformat(cells: readonly Cell[]): string {
  const written = cells.map((cell) => {
    const { type: _, content, metadata, ...options } = fieldsOf(cell);
    const isCode = cell.type === "ComputationCell" || cell.type === "MemoryCell";
    const own = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false));
    return {
      cell_type: isCode ? "code" : "markdown",
      metadata: {
        ...metadata,
        ...(cell.type === "PromptCell" ? { solveit_ai: true } : {}),
        llm_repl: { ...own, type: WORDS[cell.type] },
      },
      source: content ?? "",
      ...(isCode ? { execution_count: null, outputs: [] } : {}),
    };
  });
  return JSON.stringify({ cells: written, metadata: {}, nbformat: 4, nbformat_minor: 5 }, null, 1);
}

/** Cells as one text: their sources with empty lines between. */
export function toText(cells: readonly Cell[]): string {
  return cells.map((cell) => cell.content).join("\n\n");
}

/**
 * What is pasted, as cells. Only what a cell may hold is taken, and nothing of it runs or is shown as
 * HTML: a clipboard may come from anywhere.
 */
export function fromText(text: string): readonly CellFields[] {
  if (text.length > LIMIT_CHARACTERS) return [];
  const clean = text.replace(/\r\n?/g, "\n");
  return fromNbformat(clean) ?? fromMarkdown(clean);
}

/** Cells of an nbformat notebook, of its list of cells, or of one cell; null: it is none of these. */
export function fromNbformat(text: string): readonly CellFields[] | null {
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

function fromNbformatCell(value: unknown): CellFields | null {
  if (!isObject(value) || typeof value["cell_type"] !== "string") return null;
  const content = textOf(value["source"]);
  if (content === null) return null;
  const { llm_repl: own, solveit_ai: isPrompt, ...metadata } = isObject(value["metadata"]) ? value["metadata"] : {};
  const named = isObject(own) && typeof own["type"] === "string" ? TYPES.get(own["type"]) : undefined;
  const type = isPrompt === true ? "PromptCell"
    : named ?? (value["cell_type"] === "code" ? "ComputationCell" : "MarkdownCell");
  return { type, content, metadata, ...(isObject(own) ? optionsOf(own, type) : {}) };
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
