/** What a screen reader is told, politely and in one place. */

import { signal } from "@preact/signals";

export const announcement = signal("");

export function announce(text: string): void {
  // The same words again are news only where the region was empty in between.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}
