/** What the editor of a cell asks, answered from the server. */

import { render } from "preact";
import type { EditorSources, FieldOption, NameOption } from "../editor/sources.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { inOrder, inShort } from "../store/variable-lines.ts";
import { variablesOf } from "../store/variables.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { RestError } from "../wire/rest.ts";
import type { CellType } from "../wire/shapes.ts";
import { variableCalls, type ValuePage } from "../wire/variables.ts";

const ICONS: Partial<Record<CellType, IconName>> = { PromptCell: "prompt", MemoryCell: "memory" };
const FIELDS = 100;
const IDENTIFIER = /^[\p{L}_][\p{L}\p{N}_]*$/u;

export function editorSources(notebook: OpenNotebook): EditorSources {
  return {
    names: () => names(notebook),
    fields: async (name, path, signal) => {
      const page = await answered(variableCalls.value(notebook.id, name, path, 0, FIELDS, signal));
      return page ? fieldsOf(page) : [];
    },
    complete: async (code, cursor, signal) => {
      const found = await answered(variableCalls.complete(notebook.id, code, codePoints(code, cursor), signal));
      return found && { start: units(code, found.start), options: found.matches };
    },
    inspect: async (code, cursor) => {
      const told = await answered(variableCalls.inspect(notebook.id, code, codePoints(code, cursor)));
      return told?.name || told?.documentation ? { ...told, short: `${told.type_name}  ${told.text}` } : null;
    },
  };
}

/** What is asked while one types is not worth a message when it fails. */
async function answered<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RestError || (error instanceof DOMException && error.name === "AbortError")) return null;
    throw error;
  }
}

async function names(notebook: OpenNotebook): Promise<readonly NameOption[]> {
  const state = variablesOf(notebook);
  await state.refresh();
  const order = notebook.order.peek();
  const list = inOrder(state.list.peek()?.variables ?? [], order);
  return list.map((variable) => {
    const cell = variable.made_by ? notebook.view(variable.made_by).cell.peek() : undefined;
    const icon = (cell && ICONS[cell.type]) ?? (variable.kept ? "memory" : "code");
    const number = variable.made_by ? order.indexOf(variable.made_by) + 1 : 0;
    return { name: variable.name, short: inShort(variable), number: number ? String(number) : "", icon: () => drawn(icon) };
  });
}

function drawn(name: IconName): Node {
  const place = document.createElement("span");
  render(<Icon name={name} />, place);
  return place.firstChild ?? place;
}

function fieldsOf(page: ValuePage): readonly FieldOption[] {
  if (page.kind === "table") {
    return page.columns
      .filter((column) => !/['\\{}]/.test(column.name) && column.name)
      .map((column) => ({ step: column.name, label: column.name, short: column.dtype, isAttribute: false, isPosition: false }));
  }
  const isObject = page.length === null;
  return page.entries
    .filter((entry) => !entry.step.startsWith("@") && !/['\\{}]/.test(entry.step))
    .map((entry) => ({
      step: entry.step,
      label: entry.label,
      short: inShort(entry),
      isAttribute: isObject && IDENTIFIER.test(entry.step),
      isPosition: /^\d+$/.test(entry.step) && entry.label === entry.step && page.type_name !== "dict",
    }));
}

// The server counts characters, the browser units of UTF-16: they differ for pictographs.
function codePoints(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

function units(text: string, points: number): number {
  return [...text].slice(0, points).join("").length;
}
