/** What is wrong with the fields of a prompt, in sentences, with the way out. */

import { useEffect } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { draftOf } from "../store/forecasts.ts";
import { editing, focusCell, hasFocus } from "../store/focus.ts";
import { Icon } from "../ui/icon.tsx";
import type { DraftField } from "../wire/plan.ts";
import type { Cell } from "../wire/shapes.ts";
import { withName } from "./field-names.ts";
import { markFields } from "./marks.ts";

const MOST = 3;

export function FieldSentences({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const found = draftOf(cell.id)?.value;
  const fields = found?.fields;
  const isEdited = hasFocus(cell.id) && editing.value !== null;
  useEffect(() => {
    if (!isEdited) return;
    const mark = () => markFields(document.getElementById(`cell-${cell.id}`), fields ?? []);
    // Behind the editor, which draws what was typed.
    const frame = requestAnimationFrame(mark);
    return () => {
      cancelAnimationFrame(frame);
      markFields(null, []);
    };
  }, [fields, isEdited]);
  if (!found) return null;
  const wrong = found.fields.filter((field) => field.state === "unknown" || field.state === "failed");
  const old = found.fields.filter((field) => field.state === "stale");
  const different = [...new Map([...wrong, ...old].map((field) => [field.sentence, field])).values()];
  const use = (field: DraftField, name: string) => {
    const part = field.place === "system" ? "system" : "content";
    const text = (field.place === "system" ? cell.system : cell.content) ?? "";
    if (field.name) notebook.change(cell.id, { [part]: withName(text, field.text, field.name, name) });
  };
  return (
    <>
      {different.slice(0, MOST).map((field) => (
        <p class={field.state === "stale" ? "field-says warns" : "field-says fails"} key={field.sentence}>
          <Icon name={field.state === "stale" ? "stale" : "fail"} />
          <span>{withCode(field.sentence)}</span>
          {field.nearest && field.name && (field.place === "content" || cell.system != null) && (
            <button class="button small" onClick={() => use(field, field.nearest ?? "")}>
              Use <code>{field.nearest}</code>
            </button>
          )}
          {field.state === "stale" && field.cell_id && (
            <button class="button small" onClick={() => focusCell(field.cell_id)}>
              Go to it
            </button>
          )}
        </p>
      ))}
      {found.lookalikes.slice(0, MOST).map(({ sentence }) => (
        <p class="field-says" key={sentence}>
          <Icon name="info" />
          <span>{withCode(sentence)}</span>
        </p>
      ))}
    </>
  );
}

/** A sentence of the server's, whose names are code. */
export function withCode(sentence: string) {
  return sentence.split(/`([^`]+)`/).map((part, at) => (at % 2 ? <code>{part}</code> : part));
}
