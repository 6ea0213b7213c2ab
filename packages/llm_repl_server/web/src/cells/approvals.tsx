/** What a model asks for that somebody has to agree to: once, for this run, or not. */

import { useNotebook } from "../store/context.ts";
import type { Activity } from "../store/state.ts";
import { Icon } from "../ui/icon.tsx";
import type { Cell } from "../wire/shapes.ts";

export function Approvals({ cell, activity }: { cell: Cell; activity: Activity | undefined }) {
  const notebook = useNotebook();
  const [asked, ...others] = activity?.approvals ?? [];
  if (!asked) return null;
  const decide = (isApproved: boolean) => void notebook.decideTool(cell.id, asked.callId, isApproved);
  return (
    <span class="ways approval">
      <button class="button small" onClick={() => decide(true)}>
        <Icon name="done" />
        Once
      </button>
      <button
        class="button small quiet"
        title={`Agree to every call of ${asked.name} until this run ends`}
        onClick={() => notebook.allowForRun(cell.id, asked)}
      >
        This run
      </button>
      <button class="button small quiet" onClick={() => decide(false)}>
        <Icon name="x" />
        No
      </button>
      {others.length > 0 && <span class="quiet-text">and {others.length} more</span>}
    </span>
  );
}
