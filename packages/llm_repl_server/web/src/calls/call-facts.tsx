/** What a row and its details both say of a call. */

import { CellNumber } from "../cells/sentence.tsx";
import { useNotebook } from "../store/context.ts";
import { count, spent } from "../ui/format.ts";
import type { Call } from "../wire/shapes.ts";

export function CallName({ call }: { call: Call }) {
  const notebook = useNotebook();
  const cell = notebook.view(call.cell_id).cell.value;
  const name = cell?.response_var ?? (cell ? "" : "deleted cell");
  return (
    <>
      {cell && <CellNumber id={call.cell_id} />} <code>{call.item === null ? name : `${name}[${call.item}]`}</code>
      {call.step > 0 && <span class="quiet-text"> step {call.step + 1}</span>}
    </>
  );
}

export function tokens(call: Call): string {
  if (call.input_tokens === null && call.output_tokens === null) return "";
  return `${count(call.input_tokens ?? 0)} → ${count(call.output_tokens ?? 0)}`;
}

export function price(call: Call): string {
  if (call.source !== "live") return "free";
  return call.price_usd === null ? (call.state === "running" ? "" : "not known") : spent(call.price_usd);
}
