/** Python in colours. The colours come a moment after the text: what knows Python is loaded later. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { withMarks } from "../ui/invisible.tsx";
import { soon } from "../ui/slices.ts";
import type { Piece } from "./highlight.ts";

type Highlight = (text: string) => readonly Piece[];

/** Set when the editor is there. */
export const highlighter = signal<Highlight | null>(null);

export function Code({ text }: { text: string }) {
  const highlight = useHighlight();
  const pieces = useMemo(() => highlight?.(text), [text, highlight]);
  if (!pieces) return <>{withMarks(text)}</>;
  return (
    <>
      {pieces.map((piece) => (piece.kind ? <span class={`code-${piece.kind}`}>{withMarks(piece.text)}</span> : withMarks(piece.text)))}
    </>
  );
}

/** What is there before the colours gets them piece by piece: all of it at once would take as long as it is. */
function useHighlight(): Highlight | null {
  const [highlight, setHighlight] = useState(() => highlighter.peek());
  useEffect(() => {
    if (highlight) return;
    let takeBack: (() => void) | undefined;
    const stop = highlighter.subscribe((found) => {
      if (found) takeBack = soon(() => setHighlight(() => found));
    });
    return () => {
      stop();
      takeBack?.();
    };
  }, [highlight]);
  return highlight;
}
