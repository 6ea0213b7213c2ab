/** Outputs of cells as nbformat has them, from which the server makes the same ones. Pure. */

import type { Output } from "../wire/shapes.ts";

const HAS_EVERY_OUTPUT = new Set(["type", "content"]);

/** An output of a cell of code. What Jupyter has no word for is text there, with the whole of it beside. */
export function nbformatOutput(output: Output, executionCount: number | null): Record<string, unknown> {
  const { type, content, data, metadata, ename, evalue, traceback } = output;
  const has = (...names: readonly string[]) =>
    Object.keys(output).every((name) => HAS_EVERY_OUTPUT.has(name) || names.includes(name));
  if ((type === "stdout" || type === "stderr") && has()) return { output_type: "stream", name: type, text: content };
  if (type === "error" && traceback && has("ename", "evalue", "traceback")) {
    return { output_type: "error", ename: ename ?? "", evalue: evalue ?? "", traceback };
  }
  if (type === "display" && data && has("data", "metadata", "result")) {
    const shown = { data, metadata: metadata ?? {} };
    return "result" in output
      ? { output_type: "execute_result", execution_count: executionCount, ...shown }
      : { output_type: "display_data", ...shown };
  }
  const { type: _, content: text, ...fields } = output;
  return { output_type: "display_data", data: { "text/plain": text }, metadata: { llm_repl: { type, fields } } };
}

/** Of what a clipboard has as outputs those that can be some. */
export function usableOutputs(value: unknown, kind: "output_type" | "type"): readonly Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (output) => typeof output === "object" && output !== null && typeof (output as Record<string, unknown>)[kind] === "string",
  );
}
