/** What code printed: a flood is cut to its first and last lines. */

import { useState } from "preact/hooks";
import { plural } from "../ui/format.ts";
import { TerminalText } from "./ansi.tsx";

const MOST_LINES = 60;
const SHOWN_AT_START = 20;
const SHOWN_AT_END = 20;

export function Stream({ text, isError }: { text: string; isError: boolean }) {
  const [whole, setWhole] = useState(false);
  const lines = text.split("\n");
  const hidden = lines.length - SHOWN_AT_START - SHOWN_AT_END;
  const className = isError ? "stream on-error" : "stream";
  if (whole || lines.length <= MOST_LINES) {
    return (
      <pre class={className}>
        <TerminalText text={text} />
      </pre>
    );
  }
  return (
    <div class={className}>
      <pre>
        <TerminalText text={lines.slice(0, SHOWN_AT_START).join("\n")} />
      </pre>
      <button class="button quiet small" onClick={() => setWhole(true)}>
        {plural(hidden, "line")} more
      </button>
      <pre>
        <TerminalText text={lines.slice(-SHOWN_AT_END).join("\n")} />
      </pre>
    </div>
  );
}
