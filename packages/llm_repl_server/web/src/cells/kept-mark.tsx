/** Says at a cell that what was typed there is kept on this machine, and not sent yet. */

import { useNotebook } from "../store/context.ts";
import { connection } from "../store/server.ts";
import { moment } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { Cell } from "../wire/shapes.ts";

export function KeptMark({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  if (connection.value === "connected" || !notebook.view(cell.id).isUnsent.value) return null;
  // The line of a prompt says it.
  if (connection.value === "lost" && cell.type === "PromptCell") return null;
  const last = notebook.outbox.queue.value.findLast(
    ({ edit }) => edit.kind === "change" && edit.cellId === cell.id && edit.at,
  )?.edit;
  const time = last?.kind === "change" && last.at ? `, ${moment(new Date(last.at).toISOString())}` : "";
  return (
    <p class="kept-mark">
      <Icon name="kept" />
      Kept here{time}
    </p>
  );
}
