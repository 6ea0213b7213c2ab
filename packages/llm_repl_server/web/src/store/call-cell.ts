/** A prompt cell of what was asked once. Pure. */

import type { CellFields } from "../wire/shapes.ts";

export interface SentRequest {
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
  readonly temperature?: number | null;
}

/** What a cell needs to ask the same: the values are in its text, and braces are no fields. */
export function cellOfCall(request: SentRequest, model: string): CellFields | null {
  const texts = (request.messages ?? []).map(({ role, content }) => ({ role, text: textOf(content) }));
  const own = texts.filter(({ role }) => role === "user").map(({ text }) => text);
  const system = texts.find(({ role }) => role === "system" || role === "developer")?.text;
  if (!own.some((text) => text.trim())) return null;
  const { temperature } = request;
  return {
    content: asTemplate(own.join("\n\n")),
    model,
    ...(system ? { system: asTemplate(system) } : {}),
    ...(typeof temperature === "number" ? { temperature } : {}),
  };
}

const asTemplate = (text: string) => text.replace(/[{}]/g, "$&$&");

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => (part !== null && typeof part === "object" && "text" in part && typeof part.text === "string" ? part.text : ""))
    .filter(Boolean)
    .join("\n\n");
}
