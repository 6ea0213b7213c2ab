/** Names of models: alone, and behind that of their provider. Pure. */

/** Each model once: not without its provider where another of the names has it. */
export function eachOnce(names: readonly string[]): string[] {
  return names.filter((name) => name.includes("/") || !names.some((other) => other.endsWith(`/${name}`)));
}
