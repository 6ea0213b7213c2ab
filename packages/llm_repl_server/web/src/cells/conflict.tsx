/** A cell that was changed here and elsewhere: both texts, and one that becomes the cell's. */

import { useState } from "preact/hooks";
import type { Conflict } from "../store/outbox.ts";
import { useNotebook } from "../store/context.ts";
import { Icon } from "../ui/icon.tsx";

export function ConflictView({ conflict, cellId }: { conflict: Conflict; cellId: string }) {
  const notebook = useNotebook();
  const mine = conflict.mine.fields.content ?? conflict.theirs.content;
  const theirs = conflict.theirs.content;
  const [together, setTogether] = useState(mine);
  const choose = (content: string) =>
    notebook.outbox.resolve(cellId, { ...conflict.mine.fields, content });
  return (
    <div class="conflict">
      <p class="says">
        <Icon name="conflict" />
        <b>Conflict</b> This cell was changed elsewhere while it was changed here.
      </p>
      <div class="conflict-texts">
        <section>
          <h3>Yours</h3>
          <pre>{mine}</pre>
          <button class="button" onClick={() => choose(mine)}>
            Take yours
          </button>
        </section>
        <section>
          <h3>Theirs</h3>
          <pre>{theirs}</pre>
          <button class="button" onClick={() => notebook.outbox.resolve(cellId, { content: theirs })}>
            Take theirs
          </button>
        </section>
      </div>
      <label>
        <span>Together</span>
        <textarea
          class="input"
          rows={Math.min(16, together.split("\n").length + 1)}
          value={together}
          onInput={(event) => setTogether(event.currentTarget.value)}
        />
      </label>
      <button class="button primary" onClick={() => choose(together)}>
        Keep this
      </button>
    </div>
  );
}
