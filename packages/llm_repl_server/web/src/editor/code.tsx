/** Python in colours. The colours come a moment after the text: what knows Python is loaded later. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { withMarks } from "../ui/invisible.tsx";
import type { Piece } from "./highlight.ts";

type Highlight = (text: string) => readonly Piece[];

/** Set when the editor is there. */
export const highlighter = signal<Highlight | null>(null);

export function Code({ text }: { text: string }) {
  const highlight = highlighter.value;
  const pieces = useMemo(() => highlight?.(text), [text, highlight]);
  if (!pieces) return <>{withMarks(text)}</>;
  return (
    <>
      {pieces.map((piece) => (piece.kind ? <span class={`code-${piece.kind}`}>{withMarks(piece.text)}</span> : withMarks(piece.text)))}
    </>
  );
}
