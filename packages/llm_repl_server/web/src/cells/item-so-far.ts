/** What has come of an item whose prompt still runs. Pure. */

/** The fields of an answer that are whole: its text is JSON, as far as it has come. Null: none yet, or it has none. */
export function fieldsSoFar(text: string | undefined): Readonly<Record<string, unknown>> | null {
  if (!text) return null;
  return objectIn(text) ?? objectIn(`${text.slice(0, lastComma(text))}}`);
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  if (!text.trimEnd().endsWith("}")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Where the last field ends that another one follows; 0: none does. */
function lastComma(text: string): number {
  let [last, depth, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (inString) {
      if (sign === "\\") at++;
      else if (sign === '"') inString = false;
    } else if (sign === '"') inString = true;
    else if (sign === "{" || sign === "[") depth++;
    else if (sign === "}" || sign === "]") depth--;
    else if (sign === "," && depth === 1) last = at;
  }
  return last;
}
