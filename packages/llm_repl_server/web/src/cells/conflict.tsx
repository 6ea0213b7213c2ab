/** A cell that was changed here and elsewhere: both texts, and one that becomes the cell's. */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { fieldsInConflict, type Conflict } from "../store/conflicts.ts";
import { stopEditing } from "../store/focus.ts";
import { merge, parts } from "../store/merge.ts";
import { markedParts } from "../store/merge-marks.ts";
import { moment } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import type { CellFields } from "../wire/shapes.ts";
import { templateParts } from "./fields.ts";
import { PlainTemplate } from "./template.tsx";

const LABELS: Readonly<Record<string, string>> = {
  type: "Kind of cell", response_var: "Variable", for_each: "For each of", schema: "Structured answer",
};

interface Props {
  readonly conflict: Conflict;
  readonly number: number;
  /** Whether the cell was edited when the conflict came. */
  readonly wasEdited: boolean;
}

export function ConflictView({ conflict, number, wasEdited }: Props) {
  const notebook = useNotebook();
  const { theirs, mine, base } = conflict;
  const here = mine.content ?? theirs?.content ?? "";
  const there = theirs?.content ?? "";
  const before = base.content ?? there;
  const isCode = conflict.type === "ComputationCell" || conflict.type === "MemoryCell";
  const fields = fieldsInConflict(conflict);
  const merged = useMemo(() => merge(before, here, there), [before, here, there]);
  const [together, setTogether] = useState(conflict.together ?? merged.text);
  const write = (text: string) => {
    setTogether(text);
    notebook.outbox.writeTogether(conflict.cellId, text);
  };
  const [fromThere, setFromThere] = useState<ReadonlySet<string>>(new Set());
  // Who types when it comes goes on typing: the editor goes, and letters would be commands.
  const whole = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const area = wasEdited && whole.current?.querySelector("textarea");
    if (!area) return;
    area.focus({ preventScroll: true });
    area.setSelectionRange(area.value.length, area.value.length);
  }, []);
  const isTemplate = conflict.type === "PromptCell";
  const marks = useMemo(() => markedParts(together, before, here, there), [together, before, here, there]);
  const others = fields.filter((name) => name !== "content");
  const decide = (chosen: CellFields) => {
    const said = "The conflict is decided.";
    if (!conflict.sides) {
      notebook.outbox.resolve(conflict.cellId, chosen);
      toast(said, "Undo", () => notebook.outbox.reopen(conflict));
      return;
    }
    // The cell has both texts, and a note of it, until it has another text.
    const cell = notebook.view(conflict.cellId).cell.peek();
    notebook.change(conflict.cellId, { content: chosen.content ?? there });
    if (cell) toast(said, "Undo", () => notebook.change(cell.id, { content: cell.content, metadata: cell.metadata }));
  };
  const [one, other] = conflict.sides ?? ["This window", "Other window"];
  const chosenFields = (): CellFields =>
    Object.fromEntries(
      Object.entries(mine).filter(([name]) => name !== "content" && !fromThere.has(name)),
    );
  return (
    <div class="merge" role="group" ref={whole} aria-label={`Two versions of cell ${number}`}>
      <div class="merge-head">
        <Icon name="conflict" />
        <span>
          <b>Changed in two places.</b> Nothing is lost: choose, or write the text you want.
        </span>
      </div>
      <div class={isCode ? "merge-sides is-code" : "merge-sides"}>
        <section>
          <h3>
            {one} {!conflict.sides && <span>{at(conflict.changedAt)}, kept here</span>}
            <button class="button small" onClick={() => decide(mine)}>
              Keep this
            </button>
          </h3>
          <Difference before={before} after={here} isTemplate={isTemplate} />
        </section>
        <section>
          <h3>
            {other} {!conflict.sides && <span>{at(conflict.foundAt)}, saved</span>}
            <button class="button small" onClick={() => decide({})}>
              Take this
            </button>
          </h3>
          <Difference before={before} after={there} isTemplate={isTemplate} />
        </section>
      </div>
      {others.map((name) => (
        <div class="merge-field" key={name}>
          <span>{label(name)}</span>
          <div class="segments" role="radiogroup" aria-label={label(name)}>
            {[false, true].map((isThere) => (
              <button
                role="radio"
                aria-checked={fromThere.has(name) === isThere}
                onClick={() => setFromThere(toggled(fromThere, name, isThere))}
              >
                {shown((isThere ? theirs : mine)?.[name])}, {isThere ? "there" : "here"}
              </button>
            ))}
          </div>
        </div>
      ))}
      <label class="merge-result">
        <span>Together</span>
        <span class={isCode ? "merge-text is-code" : "merge-text"}>
          <span class="merge-marks" aria-hidden="true">
            {marks.map(({ text, from }) =>
              from ? <ins class={`from-${from}`}>{text}</ins> : isTemplate ? <WithFields text={text} /> : text,
            )}
            {"\n"}
          </span>
          <textarea
            aria-label="Together"
            value={together}
            onInput={(event) => write(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape" || event.isComposing) return;
              stopEditing();
              event.currentTarget.closest("article")?.focus();
            }}
          />
        </span>
      </label>
      <div class="merge-foot">
        <span>
          {merged.isClean
            ? "Both changes are in it."
            : conflict.sides
              ? "Where both changed the same words, the left ones stand before the right ones."
              : "Where both changed the same words, yours stand before the other window's."}
          {marks.some(({ from }) => from === "here") && <ins class="from-here">{conflict.sides ? one : "this window’s"}</ins>}
          {marks.some(({ from }) => from === "there") && <ins class="from-there">{conflict.sides ? other : "the other one’s"}</ins>}
        </span>
        <button class="button primary" onClick={() => decide({ ...chosenFields(), content: together })}>
          <Icon name="done" />
          Save together
        </button>
      </div>
    </div>
  );
}

/** A text beside the one that both began with. */
function Difference({ before, after, isTemplate }: { before: string; after: string; isTemplate: boolean }) {
  const found = useMemo(() => parts(before, after), [before, after]);
  return (
    <p class={isTemplate ? "template" : undefined}>
      {found.map(({ kind, text }) => {
        const drawn = isTemplate ? <PlainTemplate text={text} /> : text;
        return kind === "added" ? <ins>{drawn}</ins> : kind === "gone" ? <del>{drawn}</del> : drawn;
      })}
    </p>
  );
}

/** A text whose fields have their ground; the letters stay where they are. */
function WithFields({ text }: { text: string }) {
  return (
    <>
      {templateParts(text).map((part) => (part.isField ? <span class="field-ground">{part.text}</span> : part.text))}
    </>
  );
}

const at = (ms: number) => moment(new Date(ms).toISOString());

const label = (name: string) =>
  LABELS[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

function shown(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function toggled(set: ReadonlySet<string>, name: string, isIn: boolean): ReadonlySet<string> {
  const next = new Set(set);
  if (isIn) next.add(name);
  else next.delete(name);
  return next;
}
