/** Python in colours. The colours come a moment after the text: what knows Python is loaded later. */

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { morph } from "../ui/dom/morph.ts";
import { soon } from "../ui/slices.ts";
import { coloured, type Highlight } from "./coloured.tsx";

/** Set when the editor is there. */
export const highlighter = signal<Highlight | null>(null);

export function Code({ text }: { text: string }) {
  const place = useRef<HTMLElement>(null);
  const highlight = useHighlight();
  useLayoutEffect(() => {
    if (place.current) morph(place.current, coloured(text, highlight));
  }, [text, highlight]);
  return <span ref={place} />;
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
