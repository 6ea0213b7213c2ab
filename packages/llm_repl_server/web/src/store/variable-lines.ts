/** Variables as they are listed: what each is in a few words, in which order, and which of them. */

import { count } from "../ui/format.ts";
import type { Summary, Variable } from "../wire/variables.ts";

const LETTERS = new Set(["str", "bytes", "bytearray"]);

/** The type and the size: "DataFrame, 9 × 4", "list of 9", "str, 271 letters". */
export function whatItIs(value: Summary): string {
  const { type_name: name, shape, length } = value;
  if (shape?.length === 1) return `${name} of ${count(shape[0] ?? 0)}`;
  if (shape) return `${name}, ${shape.map((n) => count(n)).join(" × ")}`;
  if (length === null) return name;
  if (!LETTERS.has(name)) return `${name} of ${count(length)}`;
  // A short text stands beside it.
  if (length <= 40) return name;
  return `${name}, ${count(length)} ${name === "str" ? "letters" : "bytes"}`;
}

const SHORT_LETTERS = 120;

/** A short value where it says something, else what it is. */
export function inShort(value: Summary): string {
  const isLarge = value.shape !== null || (value.length ?? 0) > SHORT_LETTERS;
  return isLarge || !value.text ? whatItIs(value) : value.text;
}

/** In the order of the cells that make them, then by name. */
export function inOrder(variables: readonly Variable[], order: readonly string[]): readonly Variable[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = (variable: Variable) => places.get(variable.made_by ?? "") ?? order.length;
  return [...variables].sort((a, b) => placeOf(a) - placeOf(b) || a.name.localeCompare(b.name));
}

/** Those whose name has the letters, in upper or lower case; those that a cell uses. */
export function chosen(variables: readonly Variable[], text: string, cellId: string | null): readonly Variable[] {
  const wanted = text.trim().toLowerCase();
  return variables.filter(
    (variable) =>
      variable.name.toLowerCase().includes(wanted) && (cellId === null || variable.used_by.includes(cellId)),
  );
}
