/** Whether single letters are keys outside of texts. They can be switched off: a voice types letters. */

import { signal } from "@preact/signals";

const KEY = "llm-repl-single-keys";

export const singleKeys = signal(read());

function read(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // A private window may keep nothing: then it counts for this window.
  }
}
