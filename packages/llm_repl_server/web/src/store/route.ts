/** Which view the address names: `#/notebooks/<id>`, or the list. */

import { signal } from "@preact/signals";

/** The notebook that is open; null: the list is. */
export const openId = signal<string | null>(read());

function read(): string | null {
  const match = /^#\/notebooks\/([^/]+)$/.exec(location.hash);
  return match?.[1] ? decodeURIComponent(match[1]) : null;
}

addEventListener("hashchange", () => (openId.value = read()));

export function address(id: string): string {
  return `#/notebooks/${encodeURIComponent(id)}`;
}

export function goTo(id: string | null): void {
  location.hash = id === null ? "" : address(id);
}
