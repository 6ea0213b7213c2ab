/** The page. */

import { effect, signal, untracked } from "@preact/signals";
import { render } from "preact";
import { loadEditor } from "./editor/load.ts";
import { NotebookPage } from "./notebook/notebook.tsx";
import { StartPage } from "./start/start.tsx";
import { focusCell } from "./store/focus.ts";
import { OpenNotebook } from "./store/notebook.ts";
import { readList } from "./store/notebook-list.ts";
import { dialog } from "./store/dialog.ts";
import { openId } from "./store/route.ts";
import { noteConnection, readProviders } from "./store/server.ts";
import "./store/look.ts";
import "./store/spacing.ts";
import "./store/theme.ts";
import { loadPanels, Panel, providePanels } from "./ui/panel.tsx";
import { Toasts } from "./ui/toasts.tsx";
import { openEvents } from "./wire/socket.ts";
import type { WireEvent } from "./wire/events.ts";

const LIST_EVENTS: readonly WireEvent["event"][] = ["notebook_created", "notebook_changed", "notebook_deleted"];

providePanels(() => import("./panels.ts"));

const open = signal<OpenNotebook | null>(null);

const source = openEvents({
  event(event) {
    open.peek()?.hear(event);
    if (open.peek() === null && LIST_EVENTS.includes(event.event)) void readList();
  },
  connection(state, nextTry) {
    noteConnection(state, nextTry);
    open.peek()?.connectionChanged(state);
    if (state === "connected") void readProviders();
  },
});

effect(() => {
  const id = openId.value;
  // By the address alone: nothing else that is read here opens a notebook anew.
  untracked(() => {
    open.value?.close();
    focusCell(null);
    open.value = id === null ? null : new OpenNotebook(id, source);
    void open.value?.open();
  });
});

function Page() {
  const notebook = open.value;
  return (
    <>
      {notebook ? (
        <NotebookPage key={notebook.id} notebook={notebook} reconnect={() => source.reconnect()} />
      ) : (
        <StartPage />
      )}
      {dialog.value && <Panel name="Dialogs" />}
      <Toasts />
    </>
  );
}

const root = document.getElementById("page");
if (root) {
  root.textContent = "";
  render(<Page />, root);
}

// Behind the first painting: the text of the cells is there before.
requestAnimationFrame(() => setTimeout(() => void loadEditor().finally(loadPanels), 0));
