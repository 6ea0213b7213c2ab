/** A text in Markdown. */

import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { NO_TEXT, type Pieces } from "../store/pieces.ts";
import { GrowingBlocks } from "./blocks.ts";
import { drawInto, type Ways } from "./drawing.tsx";
import { ToCell } from "./fence.tsx";
import { endViews } from "../ui/dom/views.ts";

/**
 * A text.
 *
 * One that grows is the same view while it does and when it has ended: what has been drawn of it is
 * touched by neither.
 */
export function Markdown({ text, isGrowing = false }: { text: string | Pieces; isGrowing?: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const show = useRef<Show>(null);
  // By what is there now: what an effect of the first drawing holds is kept as long as the view.
  const now = useRef<Shown>({ text: NO_TEXT, isGrowing });
  now.current = { text: typeof text === "string" ? [text] : text, isGrowing };
  const ways = useRef<Ways>({ toCell: null });
  ways.current.toCell = useContext(ToCell);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    show.current = shownIn(element, ways.current);
    return () => endViews(element);
  }, []);
  useLayoutEffect(() => show.current?.(now.current));
  return <div class="passages" ref={place} />;
}

interface Shown {
  readonly text: Pieces;
  readonly isGrowing: boolean;
}

type Show = (shown: Shown) => void;

function shownIn(element: HTMLElement, ways: Ways): Show {
  const blocks = new GrowingBlocks();
  const drawn = drawInto(element, ways);
  return ({ text, isGrowing }) => {
    if (!blocks.update(text, !isGrowing)) return;
    drawn.show(blocks.blocks);
    if (isGrowing) return;
    // It is there: all that is kept is what one sees.
    blocks.forget();
    drawn.settle();
  };
}
