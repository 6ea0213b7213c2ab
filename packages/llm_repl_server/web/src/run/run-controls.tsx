/** Run all with its plan in short, or stop what runs; and where answers come from. */

import { byPresence, heldByMerge } from "../store/conflicts.ts";
import { useNotebook } from "../store/context.ts";
import { choose, useChoices } from "../store/choices.ts";
import { freshPlan, plan } from "../store/forecasts.ts";
import { focusCell } from "../store/focus.ts";
import { withKeysOf } from "../store/key-map.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { closePlan, isPlanOpen, openPlan } from "../store/plan-panel.ts";
import { mayCost, planInShort } from "../store/prices.ts";
import { connection } from "../store/server.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { Panel } from "../ui/panel.tsx";
import { toast } from "../ui/toasts.tsx";
import type { Mode } from "../wire/mode.ts";
import { RunFacts } from "./run-facts.tsx";
import { hasStrip } from "./wave-strip.tsx";

const MODES: readonly (readonly [Mode, string, string])[] = [
  ["live", "Live", "Ask every prompt again"],
  ["reuse", "Reuse", "Ask only what is not on record"],
  ["replay", "Replay", "Ask nobody: everything has to be on record"],
];

export function RunControls() {
  const notebook = useNotebook();
  const runs = notebook.runs.value;
  // The strip says it while a run has one, and the next run can wait.
  const isOfMany = connection.value === "connected" && runs.some((run) => run.hasBegun && hasStrip(notebook, run));
  return (
    <>
      {runs.length && connection.value === "connected" ? <Progress /> : <RunSplit />}
      {isOfMany ? null : <ModeSwitch />}
      {isPlanOpen.value && !runs.length && <Panel name="PlanPanel" />}
    </>
  );
}

/** Run all at once where that is free; where it may cost, its plan comes first. */
async function runAll(notebook: OpenNotebook): Promise<void> {
  const held = heldByMerge(notebook.conflicts.peek());
  if (held) {
    focusCell(held.cellId);
    toast(`Cell ${notebook.order.peek().indexOf(held.cellId) + 1} has both texts of a merge: choose one, then run all.`);
    return;
  }
  const known = plan.peek();
  const value = known && !known.isOld ? known.value : await freshPlan(notebook);
  const way = value?.ways.find((one) => one.mode === value.mode);
  if (way && mayCost(way)) openPlan();
  else await notebook.runAll();
}

/** The verb, and the plan in short. The verb runs at once where that is free. */
function RunSplit() {
  const notebook = useNotebook();
  const { mode } = useChoices(notebook);
  const isConnected = connection.value === "connected";
  const found = plan.value;
  const way = found?.value.ways.find((one) => one.mode === mode);
  const known = isConnected ? (hindrance(notebook) ?? (way && planInShort(way, notebook.order.value))) : "not connected";
  return (
    <div class="run-split" role="group" aria-label="Run">
      <button
        class="button primary"
        disabled={!isConnected}
        title={isConnected ? "Run all cells" : "Not connected: nothing can run"}
        onClick={() => void runAll(notebook)}
      >
        <Icon name="play" />
        Run all
      </button>
      <button
        class={found?.isOld ? "button plan-button figures is-old" : "button plan-button figures"}
        aria-haspopup="dialog"
        aria-expanded={isPlanOpen.value}
        aria-label={`Plan: ${known ?? "not known yet"}`}
        title={withKeysOf("Ctrl+Shift+Enter", "The plan of this run")}
        disabled={!way || !isConnected}
        onClick={() => (isPlanOpen.value ? closePlan() : openPlan())}
      >
        <span class="plan-short">{known ?? "plan"}</span>
        <Icon name="down" />
      </button>
    </div>
  );
}

/** What a person has to decide before a run makes sense; null: nothing. */
function hindrance(notebook: OpenNotebook): string | null {
  const [conflict] = byPresence(notebook.conflicts.value, notebook.order.value).there;
  return conflict ? `cell ${notebook.order.value.indexOf(conflict.cellId) + 1} in conflict` : null;
}

function Progress() {
  const notebook = useNotebook();
  return (
    <span class="progress">
      <button class="button" onClick={() => void notebook.interrupt()}>
        <Icon name="stop" />
        Stop
      </button>
      <RunFacts />
    </span>
  );
}

function ModeSwitch() {
  const notebook = useNotebook();
  const { mode } = useChoices(notebook);
  const at = MODES.findIndex(([value]) => value === mode);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = step && MODES[(at + step + MODES.length) % MODES.length];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    choose(notebook, { mode: next[0] });
    const buttons = (event.currentTarget as HTMLElement).querySelectorAll("button");
    buttons[MODES.indexOf(next)]?.focus();
  };
  const word = MODES[at]?.[1] ?? "Live";
  return (
    <>
      <div class="segments mode-switch" role="radiogroup" aria-label="Where answers come from" onKeyDown={onKeyDown}>
        {MODES.map(([value, word, title]) => (
          <button
            role="radio"
            aria-checked={value === mode}
            tabIndex={value === mode ? 0 : -1}
            title={title}
            onClick={() => choose(notebook, { mode: value })}
            key={value}
          >
            {word}
          </button>
        ))}
      </div>
      <span class="mode-menu">
        <MenuButton
          label={`Where answers come from: ${word}`}
          class="button"
          button={
            <>
              {word}
              <Icon name="down" />
            </>
          }
        >
          {MODES.map(([value, word, title]) => (
            <MenuItem {...(value === mode ? { icon: "done" as const } : {})} onClick={() => choose(notebook, { mode: value })} key={value}>
              {word}: {title.toLowerCase()}
            </MenuItem>
          ))}
        </MenuButton>
      </span>
    </>
  );
}
