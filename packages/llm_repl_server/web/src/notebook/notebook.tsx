/** An open notebook. */

import { effect } from "@preact/signals";
import type { ComponentChild } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { AddRow } from "../cells/add-row.tsx";
import { CellView } from "../cells/cell.tsx";
import { fromText } from "../cells/clipboard.ts";
import { insertCells } from "../cells/commands.ts";
import { installClipboard } from "../cells/copying.ts";
import { dragging, dropPlace } from "../cells/drag.ts";
import { Drawer } from "../drawer/drawer.tsx";
import { takeFiles, takeWaiting } from "../files/drop.ts";
import { takeDrops } from "../files/window-drops.ts";
import { WaveStrip } from "../run/wave-strip.tsx";
import { announcement } from "../store/announce.ts";
import { watchAnswers } from "../store/answers.ts";
import { compared } from "../store/asked.ts";
import { NotebookContext, useNotebook } from "../store/context.ts";
import { hasNoFocus, returnToCell, shownOrder } from "../store/focus.ts";
import { callsView, closeCalls } from "../store/calls-view.ts";
import { followAnswers } from "../store/follow.ts";
import { FindPanel } from "../find/find-panel.tsx";
import { isAllFolded } from "../store/graph-view.ts";
import { inspectorTab } from "../store/inspector.ts";
import { takeBegun } from "../store/begin.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { drawerIsOpen, findIsOpen } from "../store/opened-panels.ts";
import { goTo } from "../store/route.ts";
import { Panel } from "../ui/panel.tsx";
import { announceRuns } from "./announce-runs.ts";
import { Away } from "./away.tsx";
import { Banners } from "./banners.tsx";
import { BottomBar } from "./bottom-bar.tsx";
import { FileBanner } from "./file-banner.tsx";
import { watchForecasts } from "../store/forecasts.ts";
import { watchRuns } from "../store/run-forecasts.ts";
import { provideForecasts } from "../run/provide.ts";
import { AllPrompts } from "./all-prompts.tsx";
import { useDrawnCells } from "./first-cells.ts";
import { installKeys } from "./keys.ts";
import { installOwnActions } from "./own-actions.ts";
import { MockBanner } from "./mock-banner.tsx";
import { keepPlace } from "./place.ts";
import { OpenedBanner } from "./opened-banner.tsx";
import { showInTitle } from "./title.ts";
import { TopBar } from "./top-bar.tsx";

export function NotebookPage({ notebook, reconnect }: { notebook: OpenNotebook; reconnect: () => void }) {
  useEffect(() => installKeys(notebook), [notebook]);
  useEffect(() => showInTitle(notebook), [notebook]);
  useEffect(() => keepPlace(notebook), [notebook]);
  useEffect(() => installClipboard(notebook), [notebook]);
  useEffect(() => takeDrops((files) => void takeFiles(notebook, files)), [notebook]);
  useEffect(() => installOwnActions(notebook), [notebook]);
  useEffect(() => effect(() => void (shownOrder.value = notebook.order.value)), [notebook]);
  useEffect(() => announceRuns(notebook), [notebook]);
  useEffect(() => watchForecasts(notebook), [notebook]);
  useEffect(() => watchRuns(notebook), [notebook]);
  useEffect(() => provideForecasts(notebook), [notebook]);
  useEffect(() => watchAnswers(notebook), [notebook]);
  useEffect(followAnswers, []);
  useEffect(() => closeCalls, [notebook]);
  const presence = notebook.presence.value;
  useEffect(() => {
    if (presence !== "there") return;
    takeBegun(notebook.id);
    takeWaiting(notebook);
  }, [notebook, presence]);
  // What is closed takes the focus with it, where nothing else has got it.
  const open = [inspectorTab.value, callsView.value, compared.value, findIsOpen.value].map(Boolean);
  useEffect(() => {
    if (hasNoFocus()) returnToCell();
  }, open);
  if (presence === "loading") {
    return (
      <p class="empty" role="status">
        {notebook.failure.value ?? "Loading"}
      </p>
    );
  }
  return (
    <NotebookContext.Provider value={notebook}>
      <div class="top">
        <TopBar />
        <Banners notebook={notebook} reconnect={reconnect} />
        <FileBanner notebook={notebook} />
        <MockBanner notebook={notebook} />
        <Away notebook={notebook} />
        <OpenedBanner notebook={notebook} />
        <WaveStrip />
      </div>
      {callsView.value && presence !== "deleted" && (
        <div class="work">
          <Panel name="CallsPage" />
        </div>
      )}
      <div class={inspectorTab.value ? "work is-inspected" : "work"} hidden={callsView.value !== null && presence !== "deleted"}>
        <main
          class={isAllFolded.value ? "document is-folded" : "document"}
          onDragOver={(event) => dragging.isCells(event) && dragging.over(event)}
          onDragLeave={dragging.leave}
          onDrop={(event) => {
            if (!dragging.isCells(event)) return;
            const dropped = dragging.drop(event, notebook);
            const at = dropped?.before ? notebook.order.peek().indexOf(dropped.before) : notebook.order.peek().length;
            if (dropped) insertCells(notebook, fromText(dropped.text), at);
          }}
        >
          {presence === "deleted" ? <Gone /> : compared.value ? <Panel name="Several" /> : <Cells />}
          {!compared.value && inspectorTab.value === "graph" && <Panel name="Arcs" />}
        </main>
        {inspectorTab.value && <Panel name="Inspector" />}
      </div>
      {findIsOpen.value && <FindPanel />}
      {drawerIsOpen.value && <Drawer />}
      <BottomBar />
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </NotebookContext.Provider>
  );
}

function Cells() {
  const notebook = useNotebook();
  const order = notebook.order.value;
  const place = dropPlace.value;
  useEffect(() => {
    // Drawn by the document, so that no cell is drawn anew while one drags over it.
    const id = place === null ? null : place === "" ? order.at(-1) : place;
    const article = id ? document.getElementById(`cell-${id}`) : null;
    article?.classList.add(place === "" ? "drop-behind" : "drop-before");
    return () => article?.classList.remove("drop-behind", "drop-before");
  }, [place, order]);
  const cells = useMemo(() => order.map((id) => <CellView key={id} id={id} />), [order]);
  return (
    <>
      <AllPrompts />
      <DrawnCells cells={cells} />
      <AddRow after={null} />
    </>
  );
}

function DrawnCells({ cells }: { cells: readonly ComponentChild[] }) {
  return <>{cells.slice(0, useDrawnCells(cells.length))}</>;
}

function Gone() {
  return (
    <p class="empty">
      This notebook was deleted.{" "}
      <button class="button" onClick={() => goTo(null)}>
        All notebooks
      </button>
    </p>
  );
}
