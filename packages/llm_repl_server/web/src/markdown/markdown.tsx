/** A text in Markdown. */

import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import type { Pieces } from "../store/pieces.ts";
import { GrowingBlocks } from "./blocks.ts";
import { drawInto, type Ways } from "./drawing.tsx";
import { ToCell } from "./fence.tsx";
import { endViews } from "./views.ts";

/**
 * A text.
 *
 * One that grows is the same view while it does and when it has ended: what has been drawn of it is
 * touched by neither.
 */
export function Markdown({ text, isGrowing = false }: { text: string | Pieces; isGrowing?: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const show = useRef<(text: Pieces, isGrowing: boolean) => void>(null);
  const ways = useRef<Ways>({ toCell: null });
  ways.current.toCell = useContext(ToCell);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const blocks = new GrowingBlocks();
    const drawn = drawInto(element, ways.current);
    show.current = (now, grows) => {
      if (!blocks.update(now, !grows)) return;
      drawn.show(blocks.blocks);
      if (grows) return;
      // It is there: all that is kept is what one sees.
      blocks.forget();
      drawn.settle();
    };
    return () => endViews(element);
  }, []);
  useLayoutEffect(() => show.current?.(typeof text === "string" ? [text] : text, isGrowing));
  return <div class="passages" ref={place} />;
}
