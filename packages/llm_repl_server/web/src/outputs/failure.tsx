/** An error: its sentence first, the traceback folded. */

import { useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import type { Output } from "../wire/shapes.ts";
import { TerminalText } from "./ansi.tsx";

export function Failure({ output }: { output: Output }) {
  const [open, setOpen] = useState(false);
  const traceback = output.traceback ?? [];
  return (
    <div class="failure">
      <p>
        <Icon name="fail" />
        {output.ename ? <b>{output.ename}</b> : null} {output.evalue ?? output.content}
      </p>
      {traceback.length > 1 && (
        <button class="button quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name={open ? "up" : "down"} />
          Traceback
        </button>
      )}
      {open && (
        <pre class="stream">
          <TerminalText text={traceback.join("\n")} />
        </pre>
      )}
    </div>
  );
}
