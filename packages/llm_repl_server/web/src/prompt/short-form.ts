/** The short form of a structured answer, as far as the page shows it. The server decides. */

export interface FormField {
  readonly name: string;
  readonly type: string;
}

const TYPES: Readonly<Record<string, readonly [string, string]>> = {
  str: ["text", "texts"], int: ["whole number", "whole numbers"], float: ["number", "numbers"],
  bool: ["yes or no", "yes or no"], date: ["date", "dates"], any: ["anything", "anything"],
};
const FIELD = /^([\p{L}_][\p{L}\p{N}_-]*)(\[\])?(\?)?\s*(\([^)]*\)|\{[\s\S]*\}|[a-z]+)?(\?)?\s*(?::\s*([\s\S]*))?$/u;

/** The fields of `name, age int, tags[]`; null: it is not in the short form, or the name of a class. */
export function shortFields(text: string): readonly FormField[] | null {
  if (/^\s*[\p{L}_][\p{L}\p{N}_-]*\s*$/u.test(text)) return null;
  const fields: FormField[] = [];
  for (const part of split(text)) {
    const found = FIELD.exec(part.trim());
    if (!found) return null;
    const [, name = "", isList, , type = "str"] = found;
    const isOptional = found[3] || found[5];
    fields.push({ name, type: inWords(type, Boolean(isList)) + (isOptional ? ", or nothing" : "") });
  }
  return fields;
}

function inWords(type: string, isList: boolean): string {
  if (type.startsWith("(")) {
    const said = type.slice(1, -1).split("|").map((word) => word.trim()).join(" or ");
    return isList ? `list of ${said}` : said;
  }
  if (type.startsWith("{")) return isList ? "list of objects" : "object";
  const [one, several] = TYPES[type] ?? [type, type];
  return isList ? `list of ${several}` : one;
}

function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const char of text) {
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    if ((char === "," || char === "\n") && depth === 0) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part].filter((field) => field.trim());
}

/** The fields that an answer has by its form, of both kinds; null: only the server knows. */
export function formFields(schema: unknown): readonly FormField[] | null {
  if (typeof schema === "string") return shortFields(schema);
  const properties = (schema as { properties?: Record<string, { type?: unknown }> } | null)?.properties;
  if (!properties) return null;
  return Object.entries(properties).map(([name, { type }]) => ({ name, type: String(type ?? "anything") }));
}

export function fieldCount(schema: unknown): number | null {
  return formFields(schema)?.length ?? null;
}
