/** What has come of an item whose prompt still runs. Pure. */

/** The fields of an answer that is whole: its text is JSON to the end. Null: not yet, or it has none. */
export function fieldsSoFar(text: string | undefined): Readonly<Record<string, unknown>> | null {
  if (!text?.trimEnd().endsWith("}")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
