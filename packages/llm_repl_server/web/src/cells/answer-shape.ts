/** What an answer is, in few words. Pure. */

import { answers } from "../store/status.ts";
import type { Cell, Output } from "../wire/shapes.ts";

export type AnswerShape = "form" | "json";

/** Whether an answer is a text, fields, or another value. */
export function answerShape(given: readonly Output[]): "fields" | "text" | "value" {
  const value = given[given.length - 1]?.value;
  if (value === undefined) return "text";
  return value !== null && typeof value === "object" && !Array.isArray(value) ? "fields" : "value";
}

/** How many words stand between what is the same at both ends: at least one, where the texts differ. */
export function changedWords(before: string, after: string): number {
  if (before === after) return 0;
  const [old, now] = [before.split(/\s+/), after.split(/\s+/)];
  let start = 0;
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  return Math.max(old.length, now.length) - start - end || 1;
}

export interface FailedItem {
  readonly item: number;
  readonly ename: string;
  readonly error: string;
}

/** The items of a prompt that have no answer, as its error says. */
export function failedItems(cell: Cell): readonly FailedItem[] {
  return cell.outputs.flatMap((output) => output.failed_items ?? []);
}

/** How many items a prompt was sent for; `coming`: how many there are at least, while it is answered. */
export function itemCount(cell: Cell, coming: number): number {
  const items = answers(cell).map((output, at) => (output.item ?? at) + 1);
  return Math.max(coming, ...items, ...cell.outputs.map((output) => output.total ?? 0), 0);
}

/** A line for each field of a schema: what was asked for. */
export function askedFor(schema: unknown): ReadonlyMap<string, string> {
  const asked = new Map<string, string>();
  if (typeof schema === "string" && !schema.trimStart().startsWith("{")) {
    if (/^\s*\w+\s*$/.test(schema)) return asked; // the name of a class
    for (const part of schema.split(/[,\n](?![^(]*\))/)) {
      const match = /^\s*(\w+)(\[\])?\s*(.*)$/s.exec(part);
      if (match?.[1]) asked.set(match[1], shortType(match[3] ?? "", match[2] !== undefined));
    }
    return asked;
  }
  for (const [name, field] of Object.entries(propertiesOf(schema))) asked.set(name, typeWords(field));
  return asked;
}

/** The values that a schema lists for a field; empty: any. */
export function choicesOf(schema: unknown, name: string): readonly string[] {
  const { enum: choices } = (propertiesOf(schema)[name] ?? {}) as { enum?: unknown };
  return Array.isArray(choices) && choices.every((choice) => typeof choice === "string") ? choices : [];
}

function propertiesOf(schema: unknown): Readonly<Record<string, unknown>> {
  try {
    const document = typeof schema === "string" ? JSON.parse(schema) : schema;
    return document?.properties ?? {};
  } catch {
    return {}; // the short form, or it was edited since and is no JSON yet
  }
}

const TYPES: Readonly<Record<string, string>> = {
  "": "text", str: "text", string: "text", int: "whole number", integer: "whole number", float: "number",
  number: "number", bool: "yes or no", boolean: "yes or no", array: "list", object: "fields",
};

function shortType(text: string, isList: boolean): string {
  const [kind = "", ...rest] = text.trim().split(/[\s:]+/);
  const known = TYPES[kind] ?? "text";
  const note = (kind in TYPES ? rest : [kind, ...rest]).join(" ");
  return [isList ? `list of ${known}` : known, note].filter(Boolean).join(", ");
}

function typeWords(field: unknown): string {
  const { type, enum: choices, format, description } = (field ?? {}) as Record<string, unknown>;
  if (Array.isArray(choices)) return choices.join(", ");
  const kind = typeof type === "string" ? (TYPES[type] ?? type) : "any value";
  return [format === "date" ? "date" : kind, description].filter((each) => typeof each === "string" && each).join(", ");
}
