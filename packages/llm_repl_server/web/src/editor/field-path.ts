/** Where in a template's field the cursor stands: a name, or a part of what it names. */

export interface FieldPlace {
  /** Null: the name itself is being typed. */
  readonly name: string | null;
  readonly path: readonly string[];
  /** What begins the part: a point or a bracket, which a choice may replace. */
  readonly opener: "" | "." | "[";
  /** How much before the cursor a choice replaces, with the opener and a quote. */
  readonly typed: string;
  /** The letters that choices are narrowed by. */
  readonly word: string;
}

const NAME = String.raw`[\p{L}_][\p{L}\p{N}_]*`;
const STEP = String.raw`\.${NAME}|\[\d+\]|\['[^'\\]*'\]|\["[^"\\]*"\]`;
const NAME_ONLY = new RegExp(`^\\s*(${NAME})?$`, "u");
const PART = new RegExp(`^\\s*(${NAME})((?:${STEP})*)(\\.|\\[["']?)([\\p{L}\\p{N}_]*)$`, "u");

/** Null: the cursor is in no field. */
export function fieldPlace(before: string): FieldPlace | null {
  const open = before.lastIndexOf("{");
  if (open < 0) return null;
  // Two braces are one in the text, and no field.
  let braces = 1;
  while (before[open - braces] === "{") braces++;
  if (braces % 2 === 0) return null;
  const inside = before.slice(open + 1);
  if (/[}\n]/.test(inside)) return null;
  const name = NAME_ONLY.exec(inside);
  if (name) {
    const word = name[1] ?? "";
    return { name: null, path: [], opener: "", typed: word, word };
  }
  const part = PART.exec(inside);
  if (!part) return null;
  const [, of = "", steps = "", opener = "", word = ""] = part;
  const path = [...steps.matchAll(new RegExp(STEP, "gu"))].map(([step]) =>
    step.startsWith(".") ? step.slice(1) : step.slice(1, -1).replace(/^['"]|['"]$/g, ""),
  );
  return { name: of, path, opener: opener[0] as "." | "[", typed: opener + word, word };
}
