/** The kernel in the bar: what it is, what it does, and how to stop it and begin again. */

import { useNow } from "../store/clock.ts";
import { useNotebook } from "../store/context.ts";
import { connection } from "../store/server.ts";
import { seconds } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import type { NotebookKernel } from "../wire/kernel.ts";

export function KernelButton() {
  const notebook = useNotebook();
  const kernel = notebook.kernel.value;
  const running = notebook.runs.value.find((run) => run.hasBegun);
  const isConnected = connection.value === "connected";
  const now = useNow(running !== undefined && isConnected);
  const forS = running ? Math.floor(Math.max(0, now - running.since) / 1000) : null;
  const text = isConnected ? kernelText(kernel, forS) : "not connected";
  return (
    <MenuButton
      label={`Kernel: ${text}`}
      class={`bar-state figures ${isConnected ? "" : "warns"}`}
      button={
        <>
          <Icon name={isConnected ? "kernel" : "offline"} />
          <span class="wide-only">{text}</span>
        </>
      }
    >
      <MenuItem icon="stop" disabled={!running} onClick={() => void notebook.interrupt()}>
        Interrupt
      </MenuItem>
      <MenuItem icon="stale" onClick={() => void notebook.restart()}>
        Restart
      </MenuItem>
      <MenuItem icon="play" onClick={() => void notebook.restart().then(() => notebook.runAll())}>
        Restart and run all
      </MenuItem>
    </MenuButton>
  );
}

/** "Python 3.12, idle", "busy, 4 s", "ended", "starts with a run". */
function kernelText(kernel: NotebookKernel | undefined, runsForS: number | null): string {
  if (runsForS !== null) return runsForS ? `busy, ${runsForS < 120 ? `${runsForS} s` : seconds(runsForS)}` : "busy";
  if (!kernel || kernel.state === "none") return "starts with a run";
  if (kernel.state !== "idle") return kernel.state;
  return kernel.language ? `${languageText(kernel.language, kernel.version)}, idle` : "idle";
}

function languageText(language: string, version: string | null): string {
  const name = language.slice(0, 1).toUpperCase() + language.slice(1);
  const short = version?.split(".").slice(0, 2).join(".");
  return short ? `${name} ${short}` : name;
}
