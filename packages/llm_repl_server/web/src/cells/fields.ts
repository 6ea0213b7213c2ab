/** The fields of a prompt's template, as far as the page colours them. The server decides. */

export interface TemplatePart {
  readonly text: string;
  readonly isField: boolean;
}

const FIELD_START = /^\s*[\p{L}_][\p{L}\p{N}_]*/u;

/** A template cut into fields and the text between them. `{{` is a brace, `{}` is text. */
export function templateParts(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = "";
  for (let at = 0; at < template.length; at++) {
    const two = template.slice(at, at + 2);
    if (two === "{{" || two === "}}") {
      text += two;
      at++;
      continue;
    }
    const end = template[at] === "{" ? closing(template, at) : -1;
    if (end > 0 && FIELD_START.test(template.slice(at + 1, end))) {
      if (text) parts.push({ text, isField: false });
      parts.push({ text: template.slice(at, end + 1), isField: true });
      text = "";
      at = end;
    } else {
      text += template[at];
    }
  }
  if (text) parts.push({ text, isField: false });
  return parts;
}

/** The parts line by line; a field over several lines is cut with them. */
export function templateLines(template: string): readonly (readonly TemplatePart[])[] {
  const lines: TemplatePart[][] = [[]];
  for (const { text, isField } of templateParts(template)) {
    text.split("\n").forEach((piece, at) => {
      if (at > 0) lines.push([]);
      if (piece) lines.at(-1)?.push({ text: piece, isField });
    });
  }
  return lines;
}

/** Where the field that begins at a brace ends; -1: it does not. */
function closing(template: string, start: number): number {
  let depth = 0;
  let quote = "";
  for (let at = start; at < template.length; at++) {
    const char = template[at] ?? "";
    if (quote) {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (depth > 0 && (char === "'" || char === '"')) quote = char;
    else if (char === "{" || char === "[" || char === "(") depth++;
    else if (char === "}" || char === "]" || char === ")") {
      depth--;
      if (depth === 0) return at;
    }
  }
  return -1;
}
