/** Find and replace over all cells of the notebook. */

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { announce } from "../store/announce.ts";
import { lineOf, replaced, type FindRequest, type Found } from "../store/find.ts";
import { look } from "../store/finder.ts";
import { focusCell } from "../store/focus.ts";
import { findIsOpen } from "../store/opened-panels.ts";
import type { NotebookState } from "../store/state.ts";
import { plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";

const text = signal("");
const replacement = signal("");
const isRegex = signal(false);
const matchesCase = signal(false);
/** Which match is shown. */
const at = signal(0);

const SHOWN = 50;

export function FindPanel() {
  const notebook = useNotebook();
  const field = useRef<HTMLInputElement>(null);
  const before = useRef(document.activeElement);
  const state = notebook.whole.value;
  const cells = useMemo(() => cellsOf(state), [state?.order, state?.cells]);
  const search = { text: text.value, isRegex: isRegex.value, matchesCase: matchesCase.value };
  const found = useFound({ cells, search, replacement: replacement.value });
  useLayoutEffect(() => field.current?.select(), []);

  const close = () => {
    findIsOpen.value = false;
    const match = found?.matches[at.peek()];
    if (match) focusCell(match.cellId);
    else (before.current as HTMLElement | null)?.focus();
  };
  const go = (step: number) => {
    if (!found?.matches.length) return;
    at.value = (at.peek() + step + found.matches.length) % found.matches.length;
    const match = found.matches[at.peek()];
    document.getElementById(`cell-${match?.cellId}`)?.scrollIntoView({ block: "center" });
  };
  const replaceAll = async () => {
    // What is there now: what is shown may be a moment behind.
    const now = cellsOf(notebook.state);
    const found = await look({ cells: now, search, replacement: replacement.peek() });
    if (!found?.matches.length || found.isCut) return;
    const texts = replaced(now, found.matches);
    const isAsLookedAt = new Set(now.filter(({ id, content }) => notebook.view(id).cell.peek()?.content === content).map(({ id }) => id));
    const steps = [...texts].filter(([cellId]) => isAsLookedAt.has(cellId)).map(([cellId, content]) => ({
      do: "change" as const, cellId, fields: { content }, version: notebook.versionOf(cellId),
    }));
    notebook.edit("replace", steps);
    const what = `${plural(found.matches.length, "place")} in ${plural(steps.length, "cell")} replaced.`;
    announce(what);
    toast(what, "Undo", () => notebook.undo());
  };
  return (
    <section
      class="find floating"
      aria-label="Find and replace"
      onKeyDown={(event) => {
        if (event.isComposing) return;
        if (event.key === "Escape") close();
        else if (event.key === "Enter" && event.target instanceof HTMLInputElement && event.target.type !== "checkbox") go(event.shiftKey ? -1 : 1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div class="find-row">
        <input
          ref={field}
          class="input"
          aria-label="Find in all cells"
          placeholder="Find in all cells"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            at.value = 0;
          }}
        />
        <button class="button quiet only-icon" aria-label="The match before" title="Before (Shift Enter)" onClick={() => go(-1)}>
          <Icon name="up" />
        </button>
        <button class="button quiet only-icon" aria-label="The next match" title="Next (Enter)" onClick={() => go(1)}>
          <Icon name="down" />
        </button>
        <button class="button quiet only-icon" aria-label="Close" title="Close (Esc)" onClick={close}>
          <Icon name="x" />
        </button>
      </div>
      <div class="find-row">
        <input
          class="input"
          aria-label="Replace with"
          placeholder="Replace with"
          value={replacement.value}
          onInput={(event) => (replacement.value = event.currentTarget.value)}
        />
        <button class="button" disabled={!found?.matches.length || found.isCut} onClick={() => void replaceAll()}>
          Replace all
        </button>
      </div>
      <div class="find-row options">
        <label>
          <input type="checkbox" checked={matchesCase.value} onChange={() => (matchesCase.value = !matchesCase.value)} />
          Match case
        </label>
        <label>
          <input type="checkbox" checked={isRegex.value} onChange={() => (isRegex.value = !isRegex.value)} />
          Regular expression
        </label>
        <span class="end figures" role="status">
          {count(found)}
        </span>
      </div>
      {found && found.matches.length > 0 && <Preview found={found} />}
    </section>
  );
}

function cellsOf(state: NotebookState | null) {
  return (state?.order ?? []).map((id) => state?.cells.get(id)).filter((cell) => cell !== undefined);
}

/** What is found, as soon as it is; null before. */
function useFound({ cells, search, replacement }: FindRequest): Found | null {
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    let isOver = false;
    void look({ cells, search, replacement }).then((now) => {
      if (now && !isOver) setFound(now);
    });
    return () => {
      isOver = true;
    };
  }, [cells, search.text, search.isRegex, search.matchesCase, replacement]);
  return found;
}

function count(found: Found | null): string {
  if (!found) return "";
  const { matches, isCut, mistake } = found;
  if (mistake !== null) return mistake;
  if (!text.value) return "";
  if (!matches.length) return "No match";
  const cells = new Set(matches.map((match) => match.cellId)).size;
  return `${isCut ? "More than " : ""}${plural(matches.length, "match", "matches")} in ${plural(cells, "cell")}`;
}

/** The lines of the matches, as they are and as they will be. */
function Preview({ found }: { found: Found }) {
  const notebook = useNotebook();
  const start = Math.max(0, Math.min(at.value - 5, found.matches.length - SHOWN));
  return (
    <ol class="find-matches">
      {found.matches.slice(start, start + SHOWN).map((match, index) => {
        const content = notebook.view(match.cellId).cell.value?.content ?? "";
        const [before, matched, behind] = lineOf(content, match);
        const isShown = start + index === at.value;
        return (
          <li>
            <button
              aria-current={isShown}
              onClick={() => {
                at.value = start + index;
                document.getElementById(`cell-${match.cellId}`)?.scrollIntoView({ block: "center" });
              }}
            >
              <span class="figures quiet-text">{notebook.order.value.indexOf(match.cellId) + 1}</span>
              <code>
                {before}
                {replacement.value ? (
                  <>
                    <del>{matched}</del>
                    <ins>{match.replacement}</ins>
                  </>
                ) : (
                  <mark>{matched}</mark>
                )}
                {behind}
              </code>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
