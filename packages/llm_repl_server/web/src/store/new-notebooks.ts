/** What new notebooks begin with: where answers come from, and a budget. Kept in this browser. */

import { effect, signal } from "@preact/signals";
import type { Mode } from "../wire/mode.ts";

interface Beginning {
  readonly mode: Mode;
  readonly budgetUsd: number | null;
}

const KEY = "llm-repl-new-notebooks";
const PLAIN: Beginning = { mode: "live", budgetUsd: null };

export function readBeginning(text: string | null): Beginning {
  try {
    const { mode, budgetUsd } = JSON.parse(text ?? "{}") as Partial<Beginning>;
    return {
      mode: mode === "reuse" || mode === "replay" ? mode : "live",
      budgetUsd: typeof budgetUsd === "number" && budgetUsd > 0 ? budgetUsd : null,
    };
  } catch {
    return PLAIN;
  }
}

/** As a notebook says it of itself; undefined: it says nothing. */
export function beginningMetadata({ mode, budgetUsd }: Beginning): Record<string, unknown> | undefined {
  if (mode === "live" && budgetUsd === null) return undefined;
  return {
    llm_repl: {
      ...(mode === "live" ? {} : { mode }),
      ...(budgetUsd === null ? {} : { budget: { usd: budgetUsd } }),
    },
  };
}

function kept(): Beginning {
  try {
    return readBeginning(localStorage.getItem(KEY));
  } catch {
    return PLAIN;
  }
}

export const beginning = signal<Beginning>(kept());

effect(() => {
  const text = JSON.stringify(beginning.value);
  try {
    localStorage.setItem(KEY, text);
  } catch {
    // A private window keeps nothing.
  }
});
