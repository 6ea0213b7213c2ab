/** The notebook's own choices, from which those of its prompts come. */

import type { Mode } from "../wire/mode.ts";
import { defaultModel } from "./server.ts";
import type { OpenNotebook } from "./notebook.ts";

export interface Choices {
  readonly model: string;
  readonly system: string | null;
  readonly mode: Mode;
  readonly budgetUsd: number | null;
}

export const useChoices = choicesOf;

export function choicesOf(notebook: OpenNotebook): Choices {
  const own = ownChoices(notebook);
  const budget = own["budget"] as { usd?: number } | undefined;
  return {
    model: (own["model"] as string | undefined) ?? defaultModel.value,
    system: (own["system"] as string | undefined) ?? null,
    mode: (own["mode"] as Mode | undefined) ?? "live",
    budgetUsd: budget?.usd ?? null,
  };
}

/** Change some of them. */
export function choose(notebook: OpenNotebook, changes: Record<string, unknown>): void {
  const metadata = notebook.state?.metadata ?? {};
  notebook.setMetadata({ ...metadata, llm_repl: { ...ownChoices(notebook), ...changes } });
}

function ownChoices(notebook: OpenNotebook): Record<string, unknown> {
  return (notebook.metadata.value["llm_repl"] ?? {}) as Record<string, unknown>;
}
