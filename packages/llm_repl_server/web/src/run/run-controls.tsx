/** Run all, or stop what runs; and where answers come from. */

import { useNotebook } from "../store/context.ts";
import { choose, useChoices } from "../store/choices.ts";
import { connection } from "../store/server.ts";
import { Icon } from "../ui/icon.tsx";
import type { Mode } from "../wire/shapes.ts";

const MODES: readonly (readonly [Mode, string, string])[] = [
  ["live", "Live", "Ask every prompt again"],
  ["reuse", "Reuse", "Ask only what is not on record"],
  ["replay", "Replay", "Ask nobody: everything has to be on record"],
];

export function RunControls() {
  const notebook = useNotebook();
  const runs = notebook.state.value?.runs ?? [];
  const isConnected = connection.value === "connected";
  return (
    <>
      {runs.length ? (
        <Progress />
      ) : (
        <button
          class="button primary"
          disabled={!isConnected}
          title={isConnected ? "Run all cells" : "Not connected: nothing can run"}
          onClick={() => void notebook.runAll()}
        >
          <Icon name="play" />
          Run all
        </button>
      )}
      <ModeSwitch />
    </>
  );
}

function Progress() {
  const notebook = useNotebook();
  const runs = notebook.state.value?.runs ?? [];
  const total = runs.reduce((sum, run) => sum + run.total, 0);
  const ended = runs.reduce((sum, run) => sum + run.ended, 0);
  return (
    <span class="progress">
      <button class="button" onClick={() => void notebook.interrupt()}>
        <Icon name="stop" />
        Stop
      </button>
      <span class="figures" role="status">
        <b>{ended}</b> of {total}
      </span>
    </span>
  );
}

function ModeSwitch() {
  const notebook = useNotebook();
  const { mode } = useChoices(notebook);
  return (
    <div class="segments" role="radiogroup" aria-label="Where answers come from">
      {MODES.map(([value, word, title]) => (
        <button
          role="radio"
          aria-checked={value === mode}
          title={title}
          onClick={() => choose(notebook, { mode: value })}
        >
          {word}
        </button>
      ))}
    </div>
  );
}
