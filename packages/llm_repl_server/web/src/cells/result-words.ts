/** What came of a cell, in few words. Pure. */

import { flatDict } from "../outputs/flat-dict.ts";
import { formsOf } from "../outputs/forms.ts";
import { answers } from "../store/status.ts";
import { plural, words } from "../ui/format.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { answerShape } from "./answer-shape.ts";

/** "9 answers", "78 words", "table, 9 rows", "picture", "8 entries"; empty: nothing came, or there is no word for it. */
export function resultWords(cell: Cell): string {
  if (cell.type === "PromptCell") return ofAnswers(cell);
  const update = cell.outputs.find((output) => output.type === "memory_update");
  if (update) return ofMemory(update);
  const shown = cell.outputs.findLast((output) => output.type === "display");
  if (shown) return ofDisplay(shown);
  const text = cell.outputs.findLast((output) => output.type === "stdout")?.content.trim();
  return text ? plural(text.split("\n").length, "line") : "";
}

function ofAnswers(cell: Cell): string {
  const given = answers(cell).filter((output) => !output.failed);
  const last = given.at(-1);
  if (!last) return "";
  if (cell.for_each) return plural(given.length, "answer");
  if (answerShape(given) === "fields") return plural(Object.keys(last.value as object).length, "field");
  return plural(words(last.content), "word");
}

function ofMemory(update: Output): string {
  const [value = "", ...others] = Object.values(update.updated_state ?? {});
  if (others.length) return plural(others.length + 1, "variable");
  const entries = flatDict(value);
  return entries ? plural(entries.length, "entry", "entries") : "";
}

function ofDisplay(output: Output): string {
  const [form] = formsOf(output).forms;
  if (form?.kind === "table") return `table, ${plural(form.table.rowCount, "row")}`;
  if (form?.kind === "picture" || form?.kind === "sound" || form?.kind === "film") return form.kind;
  return form?.kind === "text" ? plural(form.text.trim().split("\n").length, "line") : "";
}
