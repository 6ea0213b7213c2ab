/** What was found: notebooks with the cells that have the words, and calls. */

import { pieces } from "../store/list-order.ts";
import { found, findMore, query } from "../store/notebook-list.ts";
import { address, goTo } from "../store/route.ts";
import { focusCell } from "../store/focus.ts";
import { moment } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { FoundCall, FoundNotebook, Snippet } from "../wire/search.ts";

const ICONS: Readonly<Record<string, IconName>> = {
  markdown: "md", code: "code", prompt: "prompt", memory: "memory",
};

export function Found() {
  const result = found.value;
  if (!result) return <p class="empty">Looking</p>;
  if (!result.notebooks.length && !result.calls.length && result.next === null) {
    return <p class="empty">No name, text or answer has “{query.value.trim()}”.</p>;
  }
  return (
    <div class="found">
      <ol role="list">
        {result.notebooks.map((notebook) => (
          <NotebookFound key={notebook.notebook_id} notebook={notebook} />
        ))}
      </ol>
      {result.next !== null && (
        <button class="button" onClick={() => void findMore()}>
          Look further
        </button>
      )}
      {result.calls.length > 0 && (
        <>
          <h2>Calls</h2>
          <ol role="list">
            {result.calls.map((call) => (
              <CallFound key={call.call_id} call={call} />
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function NotebookFound({ notebook }: { notebook: FoundNotebook }) {
  const { notebook_id: id } = notebook;
  return (
    <li>
      <a href={address(id)}>
        <Marked snippet={notebook.name} />
      </a>
      {notebook.cells.map((cell) => (
        <button key={cell.cell_id} onClick={() => open(id, cell.cell_id)}>
          <span class="found-place">
            <Icon name={ICONS[cell.type] ?? "file"} />
            {cell.place === "output" ? `answer of cell ${cell.number}` : `cell ${cell.number}`}
          </span>
          <Marked snippet={cell.snippet} />
        </button>
      ))}
      {notebook.more && <p class="note">and in further cells</p>}
    </li>
  );
}

function CallFound({ call }: { call: FoundCall }) {
  return (
    <li>
      <button onClick={() => open(call.notebook_id, call.cell_id)}>
        <span class="found-place">
          <Icon name="calls" />
          {call.model}, {moment(call.started_at)}
        </span>
        <Marked snippet={call.snippet} />
      </button>
    </li>
  );
}

function Marked({ snippet }: { snippet: Snippet }) {
  return (
    <span class="snippet">
      {pieces(snippet).map(([text, isMarked]) => (isMarked ? <mark>{text}</mark> : text))}
    </span>
  );
}

function open(id: string, cellId: string): void {
  goTo(id);
  // Opening takes the focus from what was open before.
  setTimeout(() => focusCell(cellId), 0);
}
