/** A dict of Python's, as its text has it: for a table of few values. Pure. */

const MOST = 16;
const ENTRY = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(-?\d+(?:\.\d+)?))\s*:\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|True|False|None))\s*(,|$)/y;

/** Its entries, where all are short texts and numbers; null: it is something else, or too much for a table. */
export function flatDict(text: string): readonly (readonly [string, string])[] | null {
  if (text.length > 2_000 || !text.startsWith("{") || !text.endsWith("}")) return null;
  const inside = text.slice(1, -1);
  const entries: (readonly [string, string])[] = [];
  let at = 0;
  while (at < inside.length && entries.length <= MOST) {
    ENTRY.lastIndex = at;
    const found = ENTRY.exec(inside);
    if (!found) return null;
    const [, single, double, number, singleValue, doubleValue, plainValue] = found;
    entries.push([single ?? double ?? number ?? "", singleValue ?? doubleValue ?? plainValue ?? ""]);
    at = ENTRY.lastIndex;
  }
  const isShort = entries.every(([key, value]) => key.length <= 12 && value.length <= 12);
  return entries.length > 0 && entries.length <= MOST && isShort ? entries : null;
}
