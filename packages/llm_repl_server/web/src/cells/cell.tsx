/** A cell: gutter, spine, and what its type shows. */

import { memo } from "../ui/memo.ts";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { bothTexts } from "../store/both-texts.ts";
import { useNow } from "../store/clock.ts";
import { useNotebook } from "../store/context.ts";
import { withEarlier } from "../store/earlier.ts";
import { anchor, chooseTo, editing, focusCell, focused, hasFocus, hasNoFocus, isChosen, returnToCell } from "../store/focus.ts";
import { withKeysOf } from "../store/key-map.ts";
import { connection } from "../store/server.ts";
import { isAllFolded } from "../store/graph-view.ts";
import { isPhone } from "../store/screen.ts";
import { statusOf, type Status } from "../store/status.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { Cell, CellType } from "../wire/shapes.ts";
import { AddRow } from "./add-row.tsx";
import { CellMenu } from "./cell-menu.tsx";
import { keysOf, runCell } from "./commands.ts";
import { dragging } from "./drag.ts";
import { FoldedOutputs, FoldedResult, FoldedSource } from "./folded.tsx";
import { isFolded } from "./folds.ts";
import { CodeBody } from "./code.tsx";
import { ConflictView } from "./conflict.tsx";
import { KeptMark } from "./kept-mark.tsx";
import { MarkdownBody } from "./markdown.tsx";
import { PhoneEditHead, PhoneNames, PhoneRun } from "./phone-edit.tsx";
import { PromptAnswer, PromptBody } from "./prompt.tsx";
import { SentButton, SentWeight } from "./sent-button.tsx";

const TYPES: Readonly<Record<CellType, { icon: IconName; word: string; short: string }>> = {
  MarkdownCell: { icon: "md", word: "Markdown", short: "md" },
  ComputationCell: { icon: "code", word: "Code", short: "code" },
  PromptCell: { icon: "prompt", word: "Prompt", short: "prompt" },
  MemoryCell: { icon: "memory", word: "Memory", short: "memory" },
};

export const CellView = memo(({ id }: { id: string }) => {
  const notebook = useNotebook();
  const view = notebook.view(id);
  const held = view.cell.value;
  const earlier = view.earlier.value;
  const cell = useMemo(() => held && withEarlier(held, earlier), [held, earlier]);
  const activity = view.activity.value;
  const isFocused = hasFocus(id);
  const isEdited = isFocused && editing.value !== null;
  const element = useRef<HTMLElement>(null);
  const now = useNow(cell?.status === "running");

  useEffect(() => {
    // By now the focus may be elsewhere: keys come faster than cells are drawn.
    if (focused.peek() === id && !element.current?.contains(document.activeElement)) {
      element.current?.focus({ preventScroll: true });
      element.current?.scrollIntoView({ block: "nearest" });
    }
  }, [isFocused]);

  useEffect(() => {
    // The editor, or the button of a state that is over, takes the focus with it where nothing else has got it.
    if (!isEdited && hasNoFocus() && focused.peek() === id) returnToCell();
  }, [isEdited, cell?.status, cell?.stale, notebook.conflicts.value.has(id)]);

  if (!cell) return null;
  const number = view.index.value + 1;
  const type = TYPES[cell.type] ?? TYPES.ComputationCell;
  const conflict = notebook.outbox.conflicts.value.get(id) ?? bothTexts(cell, number - 1) ?? undefined;
  const status = statusOf(cell, activity, {
    now,
    // With the clock: it counts with every word.
    words: view.growing.peek()?.words ?? 0,
    place: view.place.value,
    needs: cell.status === "queued" ? view.needs.value : [],
    isInConflict: conflict !== undefined,
    hasBothTexts: conflict?.sides !== undefined,
    isConnected: connection.value === "connected",
    isFromFile: view.isFromFile.value,
    isKeptHere: connection.value === "lost" && view.isUnsent.value,
  });
  const said = [String(number), type.word.toLowerCase(), (status?.icon === "idle" ? status.name : status?.word)?.toLowerCase()].filter(Boolean);
  const hasManyChosen = anchor.value !== null && isChosen.value.has(id);
  const classes = ["cell", `is-${type.short}`];
  if (hasManyChosen) classes.push("is-chosen");
  if (hasManyChosen) said.push("chosen");
  if (isFolded(cell, "source") && !isEdited) classes.push("has-source-folded");
  if (isFolded(cell, "outputs")) classes.push("has-outputs-folded");
  const fillsPhone = isEdited && isPhone.value;
  if (fillsPhone) classes.push("fills-phone");
  if (isFocused) classes.push("has-focus");
  if (cell.status === "running" && status?.icon !== "queued") classes.push("is-live");
  return (
    <article
      ref={element}
      id={`cell-${id}`}
      class={classes.join(" ")}
      aria-label={said.join(", ")}
      tabIndex={isFocused ? 0 : -1}
      onFocusIn={() => focused.peek() !== id && focusCell(id)}
      onPointerDown={(event) => {
        // Beside the text on a phone, a press leaves the keyboard where it is, and with it the text.
        const pressed = (event.target as HTMLElement).closest(".status-line, .phone-names, .phone-run, .panel");
        if (fillsPhone && pressed && !pressed.classList.contains("panel")) event.preventDefault();
      }}
      onMouseDown={(event) => {
        if (!event.shiftKey || (event.target as HTMLElement).closest(".cm-editor, button, a, input")) return;
        // The browser would choose text.
        event.preventDefault();
        chooseTo(id);
      }}
    >
      {fillsPhone && <PhoneEditHead cell={cell} number={number} type={type} />}
      <Gutter cell={cell} number={number} status={status} hasFocus={isFocused} type={type} />
      <div class="lane">
        <SentWeight cell={cell} />
      </div>
      <div class="body">
        {conflict ? (
          <>
            <ConflictView key={conflict.sides && cell.content} conflict={conflict} number={number} wasEdited={isEdited} />
            {cell.type === "PromptCell" && <PromptAnswer cell={cell} status={status} />}
          </>
        ) : isFolded(cell, "source") && !isEdited ? (
          <FoldedSource cell={cell}>
            <Body cell={cell} status={status} />
          </FoldedSource>
        ) : (
          <Body cell={cell} status={status} />
        )}
        {isFolded(cell, "outputs") && !(isFolded(cell, "source") && !isEdited) && cell.outputs.length > 0 && <FoldedOutputs cell={cell} />}
        {fillsPhone && cell.type === "PromptCell" && <PhoneNames cell={cell} />}
        {fillsPhone && <PhoneRun cell={cell} />}
        {!isFocused && isAllFolded.value && <FoldedResult cell={cell} />}
        <KeptMark cell={cell} />
        {isFocused && <AddRow after={id} />}
      </div>
    </article>
  );
});

function Body({ cell, status }: { cell: Cell; status: Status | null }) {
  const notebook = useNotebook();
  const onKey = useMemo(() => keysOf(notebook, cell.id), [notebook, cell.id]);
  switch (cell.type) {
    case "MarkdownCell":
      return <MarkdownBody cell={cell} onKey={onKey} />;
    case "PromptCell":
      return <PromptBody cell={cell} status={status} onKey={onKey} />;
    default:
      return <CodeBody cell={cell} status={status} onKey={onKey} />;
  }
}

interface GutterProps {
  readonly cell: Cell;
  readonly number: number;
  readonly status: Status | null;
  readonly hasFocus: boolean;
  readonly type: { readonly icon: IconName; readonly word: string };
}

function Gutter({ cell, number, status, hasFocus, type }: GutterProps) {
  const notebook = useNotebook();
  const isUnsent = notebook.view(cell.id).isUnsent.value && notebook.outbox.refusal.value === null;
  const ran = cell.execution_count === null ? "" : `, execution ${cell.execution_count}`;
  const isRunning = cell.status === "running" || cell.status === "queued";
  const isConnected = connection.value === "connected";
  return (
    <div class="gutter">
      <span class={`state ${status?.tone ?? ""}`} title={status?.name}>
        {status && <Icon name={status.icon} spins={status.spins} />}
      </span>
      <span class="type" title={`${type.word}: drag to move`} draggable onDragStart={(event) => dragging.start(event, cell.id)}>
        <Icon name={type.icon} />
      </span>
      <span class="number" title={`Cell ${number}${ran}${isUnsent ? ", not sent yet" : ""}`}>
        {number}
      </span>
      {!hasFocus && <SentButton cell={cell} />}
      {hasFocus && (
        <span class="gutter-actions">
          {cell.type !== "MarkdownCell" &&
            (isRunning ? (
              <button
                class="button quiet only-icon"
                aria-label="Stop"
                title="Stop"
                onClick={() => void notebook.interruptCell(cell.id)}
              >
                <Icon name="stop" />
              </button>
            ) : (
              <button
                class="button quiet only-icon"
                aria-label="Run"
                title={isConnected ? withKeysOf("Ctrl+Enter", "Run") : "Not connected: nothing can run"}
                disabled={!isConnected}
                onClick={() => void runCell(notebook, cell.id)}
              >
                <Icon name="play" />
              </button>
            ))}
          <CellMenu cell={cell} />
        </span>
      )}
    </div>
  );
}
