/** What the notebook itself does for actions that have a key. */

import { dragging } from "../cells/drag.ts";
import { provide } from "../store/actions.ts";
import { drawerIsOpen, findIsOpen } from "../store/opened-panels.ts";
import { openDialog } from "../store/dialog.ts";
import { stopEditing } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";

/** Provide them; gives what ends it. */
export function installOwnActions(notebook: OpenNotebook): () => void {
  dragging.of(notebook);
  const ends = [
    provide("notebooks", () => {
      stopEditing();
      drawerIsOpen.value = true;
    }),
    provide("find", () => {
      stopEditing();
      findIsOpen.value = true;
    }),
    provide("bin", () => openDialog("bin")),
  ];
  return () => {
    for (const end of ends) end();
    drawerIsOpen.value = false;
  };
}
