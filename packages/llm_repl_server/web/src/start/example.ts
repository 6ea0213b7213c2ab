/** The first notebook: it runs without a key. */

import { goTo } from "../store/route.ts";
import { rest } from "../wire/rest.ts";
import type { CellFields } from "../wire/shapes.ts";

const CELLS: readonly CellFields[] = [
  {
    type: "MarkdownCell",
    content:
      "# Your first minute\n\nPress **Run all**. The two prompts in the middle need only `city` and `days`, so they are asked at the same time; the last one waits for both.",
  },
  { type: "ComputationCell", content: 'city, days = "Lisbon", 3' },
  { type: "PromptCell", content: "Plan {days} days in {city}, one line a day.", response_var: "plan" },
  {
    type: "PromptCell",
    content: "Three dishes to try in {city}.",
    response_var: "dishes",
    schema: "starter, main, dessert",
  },
  {
    type: "PromptCell",
    content: "A postcard in 20 words, after {plan} and {dishes}.",
    response_var: "card",
  },
  {
    type: "MarkdownCell",
    content: "Change `city` and run its cell: what depends on it turns stale. For answers of a real model, press **Choose a model** above.",
  },
];

/** The mock answers, whoever does elsewhere, until somebody chooses otherwise here. */
const FIRST = { llm_repl: { model: "mock/mock" }, first_minute: true };

export async function openExample(): Promise<void> {
  // As a file, so that it comes whole. One that was opened before and is as it was is opened again.
  const document = { name: "Your first minute", metadata: FIRST, cells: CELLS };
  const { id } = await rest.importNotebook("first-minute.llmn", JSON.stringify(document));
  goTo(id);
}
