/**
 * Whose scripts run: those of outputs that were made while this page was open, and those of
 * notebooks of which a person has said so. What has come in a file runs nothing by itself.
 */

import { signal } from "@preact/signals";
import type { WireEvent } from "../wire/events.ts";
import type { Output } from "../wire/shapes.ts";

/** The notebooks of which somebody has said that their scripts may run. */
const allowed = signal<ReadonlySet<string>>(new Set());

/** What was made here, as sums that nobody can aim at: each page has a start of its own. */
const made = new Set<number>();
const [start = 0] = crypto.getRandomValues(new Uint32Array(1));

/** What is at another address is not let in, whoever runs it, and so is no script to ask about. */
export function hasScript(html: string): boolean {
  return /<script|[\s"'/]on\w+\s*=|javascript:|<(?:iframe(?![^>]*\ssrc\s*=\s*["']?(?:https?:)?\/\/)|object|embed)/i.test(html);
}

/** Take down what an event says that code has just made. */
export function noteMade(event: WireEvent): void {
  if (event.event === "cell_execution_output" || event.event === "cell_output_updated") note(event.output);
  else if (event.event === "cell_execution_completed" || event.event === "cell_execution_failed") event.outputs.forEach(note);
}

/** Whether the script of an output may run; it is asked where something is drawn. */
export function mayRun(notebookId: string, html: string): boolean {
  return allowed.value.has(notebookId) || made.has(sum(html));
}

export function allowScripts(notebookId: string): void {
  allowed.value = new Set(allowed.value).add(notebookId);
}

function note(output: Output): void {
  if (output.type !== "display" || !output.data) return;
  for (const [type, value] of Object.entries(output.data)) {
    const text = Array.isArray(value) ? value.join("") : value;
    if (/html|svg/.test(type) && typeof text === "string" && hasScript(text)) made.add(sum(text));
  }
}

function sum(text: string): number {
  let [one, two] = [start, ~start];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 2654435761);
    two = Math.imul(two ^ code, 1597334677);
  }
  return 4294967296 * (2097151 & two) + (one >>> 0);
}
