/** Where a server of one's own is. */

import { providers } from "./server.ts";

/** "localhost:11434", of a provider that a person has added; empty: it is another one. */
export function servedAt(name: string): string {
  const found = providers.value?.details.find((one) => one.name === name);
  return found?.is_custom && found.base_url ? hostOf(found.base_url) : "";
}

function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return ""; // the settings' file may say anything
  }
}
