/** The size of texts. Kept in this browser. */

import { effect, signal } from "@preact/signals";

export type TextSize = "small" | "normal" | "large";

const KEY = "llm-repl-text-size";

function kept(): TextSize {
  try {
    const found = localStorage.getItem(KEY);
    return found === "small" || found === "large" ? found : "normal";
  } catch {
    return "normal";
  }
}

export const textSize = signal<TextSize>(kept());

effect(() => {
  if (textSize.value === "normal") delete document.documentElement.dataset["size"];
  else document.documentElement.dataset["size"] = textSize.value;
  try {
    localStorage.setItem(KEY, textSize.value);
  } catch {
    // A private window keeps nothing.
  }
});
