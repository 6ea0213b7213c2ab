/** The line under a source: the state with its reason and the way out; or what came of it. */

import type { ComponentChildren } from "preact";
import type { Status } from "../store/status.ts";
import { Icon } from "../ui/icon.tsx";

interface Props {
  readonly status: Status | null;
  /** The variable and its kind. */
  readonly result?: ComponentChildren;
  /** When, how long, what it cost. */
  readonly cost?: ComponentChildren;
  readonly actions?: ComponentChildren;
}

/** The line; nothing where there is nothing to say. */
export function StateLine({ status, result, cost, actions }: Props) {
  if (!status?.word && !result && !cost) return null;
  return (
    <div class={`state-line ${status?.tone ?? "plain"}`}>
      <div>
        {status?.word && (
          <span class="says">
            <Icon name={status.icon} spins={status.spins} />
            <b>{status.word}</b>
            <span class="reason">{status.reason}</span>
          </span>
        )}
        {actions}
        {result}
      </div>
      {cost && <div class="cost figures">{cost}</div>}
    </div>
  );
}
