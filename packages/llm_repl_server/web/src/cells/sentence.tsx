/** A sentence about cells: code is code, and a cell is a button that goes there. */

import { useNotebook } from "../store/context.ts";
import { focusCell } from "../store/focus.ts";
import type { Part } from "../store/reasons.ts";

export function Sentence({ parts }: { parts: readonly Part[] }) {
  return (
    <>
      {parts.map((part) =>
        typeof part === "string" ? part : "code" in part ? <code>{part.code}</code> : <CellNumber id={part.cell} />,
      )}
    </>
  );
}

/** The number of a cell, which goes there; nothing where it is gone. */
export function CellNumber({ id }: { id: string }) {
  const notebook = useNotebook();
  const number = notebook.view(id).index.value + 1;
  if (!number) return <>that was deleted</>;
  return (
    <button class="cell-link figures" title={`Go to cell ${number}`} onClick={() => focusCell(id)}>
      {number}
    </button>
  );
}
