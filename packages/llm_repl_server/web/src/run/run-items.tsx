/** Runs of a part of the notebook, as entries of a menu: of the cell in focus, and of what is stale. */

import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { connection } from "../store/server.ts";
import { MenuItem } from "../ui/menu.tsx";

export function RunItems() {
  const notebook = useNotebook();
  const id = focused.value;
  const number = id ? notebook.view(id).index.value + 1 : 0;
  const stale = notebook.staleCount.value;
  const isOff = connection.value !== "connected";
  const run = (choice: Parameters<typeof notebook.runChosen>[0]) => id && void notebook.runChosen(choice);
  return (
    <>
      <MenuItem icon="stale" disabled={isOff || !stale} onClick={() => void notebook.runStale()}>
        {stale ? `Run what is stale (${stale})` : "Run what is stale"}
      </MenuItem>
      {id && number > 0 && (
        <>
          <MenuItem icon="up" disabled={isOff} onClick={() => run({ to: id })}>
            Run up to cell {number}
          </MenuItem>
          <MenuItem icon="down" disabled={isOff} onClick={() => run({ from: id })}>
            Run from cell {number} on
          </MenuItem>
        </>
      )}
    </>
  );
}
