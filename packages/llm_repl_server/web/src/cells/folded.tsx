/** What stands in the place of a part that is folded. */

import type { ComponentChildren } from "preact";
import { useNotebook } from "../store/context.ts";
import { useMemo } from "preact/hooks";
import { withKeysOf } from "../store/key-map.ts";
import { plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { Cell } from "../wire/shapes.ts";
import { isFolded, toggleFold } from "./folds.ts";
import { resultWords } from "./result-words.ts";

/** The first line of a source, and what came of it. */
export function FoldedSource({ cell, children }: { cell: Cell; children: ComponentChildren }) {
  const notebook = useNotebook();
  const [first = "", ...others] = cell.content.split("\n");
  return (
    <>
      <button class="folded" aria-expanded="false" title={withKeysOf("f", "Unfold the source")} onClick={() => toggleFold(notebook, [cell.id], "source")}>
        <Icon name="right" />
        <span class="folded-text">{first || "Empty"}</span>
        {others.length > 0 && <span class="quiet-text">{plural(others.length, "more line")}</span>}
        {isFolded(cell, "outputs") && cell.outputs.length > 0 && <span class="quiet-text end">{foldNote(cell)}</span>}
      </button>
      {children}
    </>
  );
}

export function FoldedOutputs({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  return (
    <button class="folded outputs" aria-expanded="false" title={withKeysOf("o", "Unfold")} onClick={() => toggleFold(notebook, [cell.id], "outputs")}>
      <Icon name="right" />
      <span class="quiet-text fold-note">{foldNote(cell)}</span>
    </button>
  );
}

/** What is folded away, in few words. */
function foldNote(cell: Cell): string {
  return resultWords(cell) || plural(cell.outputs.length, "output");
}

/** What came of a cell of which only the first line is shown. */
export function FoldedResult({ cell }: { cell: Cell }) {
  const said = useMemo(() => resultWords(cell), [cell]);
  return said ? <span class="folded-result figures">{said}</span> : null;
}
