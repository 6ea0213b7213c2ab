/** A cell of Markdown: read as a text, edited as its source. */

import { useNotebook } from "../store/context.ts";
import { Markdown } from "../markdown/markdown.tsx";
import { Outputs } from "../outputs/outputs.tsx";
import type { Cell } from "../wire/shapes.ts";
import { Source } from "./source.tsx";

export function MarkdownBody({ cell, onKey }: { cell: Cell; onKey: (event: KeyboardEvent) => boolean }) {
  const notebook = useNotebook();
  return (
    <>
      <Source
        cellId={cell.id}
        text={cell.content}
        language="markdown"
        label="Markdown"
        class="source prose"
        onChange={(content) => notebook.change(cell.id, { content })}
        onKey={onKey}
      >
        {cell.content.trim() ? <Markdown text={cell.content} /> : <p class="hint">Text in Markdown</p>}
      </Source>
      {cell.status === "error" && (
        <div class="output">
          <Outputs outputs={cell.outputs} />
        </div>
      )}
    </>
  );
}
