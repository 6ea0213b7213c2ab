/** A field of a template that is to name another variable. */

/** A text in which every such field names another variable. */
export function withName(text: string, field: string, before: string, after: string): string {
  const name = new RegExp(`(?<![\\p{L}\\p{N}_.])${escaped(before)}(?![\\p{L}\\p{N}_])`, "u");
  return text.split(field).join(field.replace(name, () => after));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
