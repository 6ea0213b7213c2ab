/** What a person can do about the state of a cell. */

import type { ComponentChildren } from "preact";
import { choose, useChoices } from "../store/choices.ts";
import { useNotebook } from "../store/context.ts";
import { openDialog } from "../store/dialog.ts";
import { focusCell } from "../store/focus.ts";
import { followed } from "../store/follow.ts";
import { plan } from "../store/forecasts.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { priceText } from "../store/prices.ts";
import { openInspector } from "../store/inspector.ts";
import { connection } from "../store/server.ts";
import type { WayOut } from "../store/status.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { runCell } from "./commands.ts";

export function WaysOut({ ways, cellId }: { ways: readonly WayOut[]; cellId: string }) {
  return (
    <>
      {ways.map((way) => (
        <Way key={way} way={way} cellId={cellId} />
      ))}
    </>
  );
}

function Way({ way, cellId }: { way: WayOut; cellId: string }) {
  const notebook = useNotebook();
  const run = () => void runCell(notebook, cellId);
  switch (way) {
    case "run":
      return <Act icon="play" onClick={run} needsServer framed>Run</Act>;
    case "runAgain":
      return <Act icon="play" onClick={run} needsServer>Run again</Act>;
    case "runStale":
      return <RunStale />;
    case "remove":
      return <Act icon="x" onClick={() => void notebook.removeQueued(cellId)} needsServer>Remove</Act>;
    case "stop":
      return <Act icon="stop" onClick={() => void notebook.interruptCell(cellId)} needsServer>Stop</Act>;
    case "follow":
      return (
        <Act
          icon="arrow"
          isPressed={followed.value === cellId}
          onClick={() => (followed.value = followed.peek() === cellId ? null : cellId)}
        >
          Follow
        </Act>
      );
    case "compare":
      return (
        <Act
          icon="diff"
          onClick={() => {
            focusCell(cellId);
            openInspector("answers");
          }}
        >
          Compare
        </Act>
      );
    case "settings":
      return <Act icon="key" onClick={() => openDialog("settings")}>Settings</Act>;
    case "raise":
      return <Raise cellId={cellId} />;
    case "skip":
      return (
        <Act onClick={() => notebook.change(cellId, { skipped: true })} title="Leave it out: other prompts are not sent it">
          Skip
        </Act>
      );
    case "choose":
      return null; // the conflict itself stands below
  }
}

function RunStale() {
  const notebook = useNotebook();
  const stale = notebook.staleCount.value;
  const price = stalePrice(notebook);
  return (
    <Act icon="play" onClick={() => void notebook.runStale()} needsServer>
      {stale > 1 ? `Run ${stale} stale` : "Run this"}
      {price}
    </Act>
  );
}

/** ", ≤ $0.01": what the stale prompts take at most, as far as the plan of a run says it. */
function stalePrice(notebook: OpenNotebook): string {
  const cells = notebook.whole.value?.cells;
  const prompts = plan.value?.value.cells.filter(({ cell_id, calls }) => calls && cells?.get(cell_id)?.stale) ?? [];
  if (!prompts.length) return "";
  const prices = prompts.map(({ price_usd }) => price_usd);
  const usd = prices.includes(null) ? null : prices.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return `, ${priceText(usd, prompts.every(({ is_bound }) => is_bound))}`;
}

const RAISES = [0.05, 1, 10] as const;

/** More budget, and the prompt at once. */
function Raise({ cellId }: { cellId: string }) {
  const notebook = useNotebook();
  const { budgetUsd } = useChoices(notebook);
  const raise = async (usd: number | null) => {
    choose(notebook, { budget: usd === null ? null : { usd } });
    await runCell(notebook, cellId);
  };
  return (
    <MenuButton label="Raise the budget" class="button small quiet" button={<>Raise</>}>
      {RAISES.map((more) => (
        <MenuItem icon="coins" onClick={() => void raise((budgetUsd ?? 0) + more)}>
          {`By $${more.toFixed(2)}, to $${((budgetUsd ?? 0) + more).toFixed(2)}`}
        </MenuItem>
      ))}
      <hr />
      <MenuItem icon="coins" onClick={() => void raise(null)}>No limit</MenuItem>
    </MenuButton>
  );
}

interface ActProps {
  readonly icon?: IconName;
  readonly framed?: boolean;
  readonly needsServer?: boolean;
  readonly isPressed?: boolean;
  readonly title?: string;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

function Act({ icon, framed, needsServer, isPressed, title, onClick, children }: ActProps) {
  const isAway = needsServer === true && connection.value !== "connected";
  return (
    <button
      class={framed ? "button small" : "button small quiet"}
      disabled={isAway}
      aria-pressed={isPressed}
      title={isAway ? "Not connected: nothing can run" : title}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
