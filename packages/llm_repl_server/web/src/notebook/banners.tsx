/** What is the matter with the whole notebook: not connected, refused, failed. */

import { useNow } from "../store/clock.ts";
import { byPresence } from "../store/conflicts.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { focusCell } from "../store/focus.ts";
import { connection, lostAt, retryAt } from "../store/server.ts";
import { moment, plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";

export function Banners({ notebook, reconnect }: { notebook: OpenNotebook; reconnect: () => void }) {
  const { refusal, isKept } = notebook.outbox;
  return (
    <>
      {connection.value === "lost" && <Lost notebook={notebook} reconnect={reconnect} />}
      {!isKept.value && notebook.outbox.queue.value.length > 0 && (
        <div class="banner fails" role="alert">
          <Icon name="kept" />
          <span>
            <b>This browser keeps nothing</b>: its storage is full, or the window is private. What is not
            saved yet is lost when this window is closed.
          </span>
        </div>
      )}
      <DeletedElsewhere notebook={notebook} />
      {notebook.failure.value && (
        <div class="banner fails" role="alert">
          <Icon name="fail" />
          <span>{notebook.failure.value}</span>
          <button
            class="button quiet only-icon end"
            aria-label="Dismiss"
            onClick={() => (notebook.failure.value = null)}
          >
            <Icon name="x" />
          </button>
        </div>
      )}
      {refusal.value && (
        <div class="banner fails" role="alert">
          <Icon name="fail" />
          <span>An edit was refused: {refusal.value}</span>
          <button
            class="button quiet end"
            onClick={() => {
              refusal.value = null;
              void notebook.read();
            }}
          >
            Show what the server has
          </button>
        </div>
      )}
    </>
  );
}

function Lost({ notebook, reconnect }: { notebook: OpenNotebook; reconnect: () => void }) {
  const now = useNow(true);
  const waiting = notebook.unsentCount.value;
  const cells = [...notebook.unsent.value];
  const since = lostAt.value === null ? "" : ` since ${moment(new Date(lostAt.value).toISOString())}`;
  const inS = retryAt.value === null ? null : Math.max(0, Math.ceil((retryAt.value - now) / 1000));
  const runs = notebook.runs.value.length ? " The run goes on there." : "";
  return (
    <div class="banner warns">
      <Icon name="offline" />
      <span role="status">
        <b>
          Not connected{since}.{waiting ? ` ${plural(waiting, "edit")} ${waiting === 1 ? "waits" : "wait"}` : ""}
        </b>
        {waiting
          ? ` on this machine, and ${waiting === 1 ? "is" : "are"} sent when the server is back.`
          : " What you type is kept here until the server is back."}
        {runs}
      </span>
      <span class="end">
        {cells.length > 0 && (
          <button class="button quiet" onClick={() => focusCell(next(cells))}>
            {cells.length === 1 ? "Show it" : `Show the ${cells.length}`}
          </button>
        )}
        <button class="button quiet" onClick={reconnect}>
          <Icon name="stale" />
          Try now{inS === null ? "" : `, else in ${inS} s`}
        </button>
      </span>
    </div>
  );
}

let lastShown: string | undefined;

/** Each time the next one. */
function next(cells: readonly string[]): string | null {
  const at = lastShown === undefined ? -1 : cells.indexOf(lastShown);
  lastShown = cells[(at + 1) % cells.length];
  return lastShown ?? null;
}

/** What was typed into a cell that somebody has deleted meanwhile. */
function DeletedElsewhere({ notebook }: { notebook: OpenNotebook }) {
  const lost = byPresence(notebook.outbox.conflicts.value, notebook.order.value).deleted;
  return (
    <>
      {lost.map((conflict) => (
        <div class="banner warns" role="alert" key={conflict.cellId}>
          <Icon name="conflict" />
          <span>
            {conflict.theirs ? (
              <b>A cell in conflict was deleted:</b>
            ) : (
              <>
                <b>A cell was deleted elsewhere</b> while you changed it:
              </>
            )}{" "}
            “{beginning(conflict.mine.content ?? conflict.theirs?.content ?? "")}”
          </span>
          <span class="end">
            <button class="button quiet" onClick={() => notebook.outbox.putBack(conflict)}>
              Put it back
            </button>
            <button class="button quiet" onClick={() => notebook.outbox.resolve(conflict.cellId, {})}>
              Let it go
            </button>
          </span>
        </div>
      ))}
    </>
  );
}

function beginning(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
