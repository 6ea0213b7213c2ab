/** Sentences about cells, in parts: text, code, and cells that can be gone to. Pure. */

import { seconds } from "../ui/format.ts";
import type { CellNeed, CallQueue } from "../wire/queue.ts";
import type { StaleReason } from "../wire/stale.ts";

/** A piece of a sentence: text, code, or a cell by its id. */
export type Part = string | { readonly code: string } | { readonly cell: string };

const code = (text: string): Part => ({ code: text });
const cell = (id: string): Part => ({ cell: id });

const FIELDS: Readonly<Record<string, string>> = {
  content: "the text",
  type: "the type",
  model: "the model",
  provider: "the provider",
  temperature: "the temperature",
  system: "the system text",
  context: "what is sent along",
  schema: "the form of the answer",
  for_each: "what it is asked for each of",
  attachments: "the attachments",
  parameters: "the parameters",
  reasoning_effort: "how much the model thinks",
  response_var: "the name of the answer",
  tools: "the tools",
  tool_limit: "the limit of tool calls",
  approve_tools: "whether tools need your approval",
};

/** Why a cell is stale, as the end of "Stale: …". */
export function staleSentence(reason: StaleReason): readonly Part[] {
  const { kind, cell_id: other, variable, was, now } = reason;
  const above: Part[] = other ? ["cell ", cell(other)] : ["a cell above"];
  const named: Part[] = variable ? [...above, " ", code(variable)] : above;
  switch (kind) {
    case "own_edit":
      return edited(reason, FIELDS[reason.field ?? ""] ?? `\`${reason.field}\``);
    case "notebook":
      return edited(reason, (FIELDS[reason.field ?? ""] ?? `\`${reason.field}\``).replace("the ", "the notebook’s "));
    case "variable":
      if (variable && was !== null && now !== null && was !== now) {
        return [code(variable), ` was ${shown(was)}, is ${shown(now)}`];
      }
      if (variable && was === null && now !== null) return [code(variable), ` is now ${shown(now)}`];
      return [...named, " ran again"];
    case "failed":
      return [...named, " failed"];
    case "deleted":
      return [`cell ${reason.cell_number ?? ""}`.trim(), ...(variable ? [", which set ", code(variable), ","] : []), " was deleted"];
    case "moved":
      return other && !variable ? ["it was moved"] : [...named, " was moved"];
    case "added":
      return [...named, " was added"];
    case "edited":
      return [...named, " was edited"];
    case "run":
      return [...above, ", which goes along, ran again"];
    case "stale":
      return [...named, " is stale"];
  }
}

function edited({ field, was, now }: StaleReason, what: string): readonly Part[] {
  if (field === "tools" && was !== null && now !== null) {
    const before = was ? was.split(", ") : [];
    const after = now ? now.split(", ") : [];
    const added = after.filter((name) => !before.includes(name));
    const gone = before.filter((name) => !after.includes(name));
    const one = added[0] ?? gone[0];
    if (one && added.length + gone.length === 1) return [`a tool was ${added.length ? "added" : "removed"}: `, code(one)];
  }
  if (was && now && was !== now && was.length + now.length < 80) return [`${what} was ${was}, is ${now}`];
  return [`${what} ${/s$/.test(what) && !/^how|^whether/.test(what) ? "were" : "was"} edited`];
}

function shown(text: string): string {
  return text === "" ? "empty" : text;
}

/** What a cell waits for: "for cell 4 `city`". */
export function needsSentence(needs: readonly CellNeed[]): readonly Part[] {
  const [first] = needs;
  if (!first) return [];
  const parts: Part[] = ["for cell ", cell(first.cell_id)];
  if (first.variable) parts.push(" ", code(first.variable));
  if (needs.length > 1) parts.push(` and ${needs.length - 1} more`);
  return parts;
}

/** A sentence of the server's, whose names are code. */
export function withCode(sentence: string): readonly Part[] {
  return sentence.split(/`([^`]+)`/).map((part, at) => (at % 2 ? code(part) : part));
}

/** Why a call waits: "place 3: `openai` gets 2 calls at once from this server". */
export function queueSentence({ limit, provider, place, at_once, pause_s }: CallQueue): readonly Part[] {
  const parts: Part[] = [`place ${place}: `];
  if (limit === "budget") return [...parts, "the budget waits for what the prompts above cost"];
  if (limit === "run") return [...parts, `this run asks ${at_once} at once`];
  if (pause_s) return [...parts, code(provider), ` asked for a pause of ${seconds(pause_s)}`];
  return [...parts, code(provider), ` gets ${at_once} ${at_once === 1 ? "call" : "calls"} at once from this server`];
}

/** A sentence as plain text. */
export function plain(parts: readonly Part[], numberOf: (id: string) => number): string {
  return parts
    .map((part) => (typeof part === "string" ? part : "code" in part ? part.code : String(numberOf(part.cell))))
    .join("");
}
