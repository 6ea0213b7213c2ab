/** What code printed: a flood is cut to its first and last lines. */

import { useMemo, useRef, useState } from "preact/hooks";
import { count, plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { cutText, LineCounter, partsOf } from "./flood.ts";
import { lookAfter, PLAIN } from "./terminal.ts";
import { TerminalText } from "./terminal-text.tsx";

/** How many parts of a flood are drawn at once, where somebody wants to see it all. */
const PARTS_AT_ONCE = 8;

export function Stream({ text, isError }: { text: string; isError: boolean }) {
  const [isWhole, setIsWhole] = useState(false);
  const counter = useRef<LineCounter>(null);
  counter.current ??= new LineCounter();
  const cut = isWhole ? null : cutText(text, counter.current.count(text));
  const className = isError ? "stream on-error" : "stream";
  if (isWhole) return <Flood text={text} class={className} />;
  if (!cut) {
    return (
      <pre class={className}>
        <TerminalText text={text} />
      </pre>
    );
  }
  const hidden = cut.hiddenLines ? plural(cut.hiddenLines, "line") : plural(cut.hidden, "character");
  return (
    <div class={className}>
      <pre>
        <TerminalText text={cut.head} />
      </pre>
      <p class="cut-mark">
        <span>{hidden} more</span>
        <button class="button quiet small" onClick={() => setIsWhole(true)}>
          Show all
        </button>
        <button class="button quiet small" onClick={() => void navigator.clipboard.writeText(text)}>
          <Icon name="copy" />
          Copy all
        </button>
      </p>
      <pre>
        <TerminalText text={cut.tail} />
      </pre>
    </div>
  );
}

/** The whole of a long text, some parts at a time; those out of sight are not laid out. */
function Flood({ text, class: className }: { text: string; class: string }) {
  const [shown, setShown] = useState(PARTS_AT_ONCE);
  const parts = useMemo(() => partsOf(text), [text]);
  let look = PLAIN;
  const views = parts.slice(0, shown).map((part, at) => {
    const start = look;
    look = lookAfter(part, start);
    return (
      <pre key={at} class="part">
        <TerminalText text={part.replace(/\n$/, "")} look={start} />
      </pre>
    );
  });
  const left = parts.slice(shown).reduce((sum, part) => sum + part.length, 0);
  return (
    <div class={className}>
      {views}
      {left > 0 && (
        <button class="button quiet small" onClick={() => setShown(shown + PARTS_AT_ONCE)}>
          {count(left)} characters more
        </button>
      )}
    </div>
  );
}
