/** The models that may be chosen: those in use here, and those that ready providers offer. */

import { signal } from "@preact/signals";
import { request, RestError } from "../wire/rest.ts";
import { eachOnce } from "./model-names.ts";
import type { OpenNotebook } from "./notebook.ts";
import { providers } from "./server.ts";

const MOST_OF_ONE = 30;

/** By provider. */
const offered = signal<ReadonlyMap<string, readonly string[]>>(new Map());

/** Names as cells have them: `provider/model`. */
export function offeredModels(notebook: OpenNotebook): readonly string[] {
  const used = [...(notebook.whole.value?.cells.values() ?? [])]
    .map((cell) => cell.model)
    .filter((model): model is string => Boolean(model));
  const names = new Set(used.sort());
  for (const [provider, models] of offered.value) {
    // Of the built-in one, the one that is no test.
    const shown = provider === "mock" ? ["mock"] : models.slice(0, MOST_OF_ONE);
    for (const model of shown) names.add(`${provider}/${model}`);
  }
  return eachOnce([...names]).sort((one, other) => order(one) - order(other) || one.localeCompare(other));
}

/** What is built in comes last. */
function order(name: string): number {
  return name.startsWith("mock/") ? 1 : 0;
}

let isRead = false;

/** Ask each ready provider for its models, once. */
export async function readOffered(): Promise<void> {
  if (isRead) return;
  isRead = true;
  const details = (providers.value as { details?: readonly { name: string; is_ready: boolean }[] } | null)?.details;
  const ready = details?.filter((one) => one.is_ready).map((one) => one.name) ?? [];
  await Promise.all(
    ready.map(async (name) => {
      try {
        const { models } = await request<{ models: readonly string[] }>(
          "GET",
          `llm/providers/${encodeURIComponent(name)}/models`,
        );
        offered.value = new Map(offered.value).set(name, models);
      } catch (error) {
        // One that can't be reached offers nothing; its names can be typed.
        if (!(error instanceof RestError)) throw error;
      }
    }),
  );
}
