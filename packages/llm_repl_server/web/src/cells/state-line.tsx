/** The line under a source: the state with its reason and the way out; or what came of it. */

import type { ComponentChildren } from "preact";
import { useNotebook } from "../store/context.ts";
import { plain } from "../store/reasons.ts";
import type { Status } from "../store/status.ts";
import { Icon } from "../ui/icon.tsx";
import { Sentence } from "./sentence.tsx";
import { WaysOut } from "./ways-out.tsx";

interface Props {
  readonly cellId: string;
  readonly status: Status | null;
  /** The variable and its kind. */
  readonly result?: ComponentChildren;
  /** The variable alone, at the right, while the line tells a state. */
  readonly variable?: string;
  /** When, how long, what it cost. */
  readonly cost?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** Whether what came of it stands beside the state. */
  readonly hasResult?: boolean;
  /** At the right end, whatever the state is. */
  readonly end?: ComponentChildren;
}

/** The line; nothing where there is nothing to say. */
export function StateLine({ cellId, status, result, variable, cost, actions, hasResult = !status?.word, end }: Props) {
  const notebook = useNotebook();
  if (!status?.word && !result && !cost && !end) return null;
  const numberOf = (id: string) => notebook.order.peek().indexOf(id) + 1;
  // What comes is named, and what can be done with it stands at the right, where it does not move with the words.
  const isAnswering = status?.icon === "stream" && status.tone === "acts";
  const ways = status && status.ways.length > 0 && (
    <span class={isAnswering ? "ways end" : "ways"}>
      <WaysOut ways={status.ways} cellId={cellId} />
    </span>
  );
  const more = status?.more.map((parts) => plain(parts, numberOf)).join("\n") || undefined;
  return (
    <div class={`state-line ${status?.tone ?? "plain"}`}>
      <div>
        {status?.word && (
          <span class="says" title={more}>
            <Icon name={status.icon} spins={status.spins} />
            <b>{status.word}</b>
            {isAnswering && variable ? <code class="variable">{variable}</code> : null}
            <span class="reason figures">
              <Sentence parts={status.reason} />
              {status.more.length > 0 && status.tone === "warns" && status.icon === "stale" && (
                <span class="quiet-text"> and {status.more.length} more</span>
              )}
            </span>
          </span>
        )}
        {actions}
        {!isAnswering && ways}
        {hasResult && result}
      </div>
      {isAnswering && ways}
      {!hasResult && !isAnswering && variable ? <code class="variable end">{variable}</code> : null}
      {hasResult && cost && <div class="cost figures">{cost}</div>}
      {end}
    </div>
  );
}
