/** An answer while a person writes it: a text, or the fields that were asked for. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { draftOf, dropDraft, editedAnswer, keepDraft, saveAnswer, type EditedAnswer } from "../store/answers.ts";
import { useNotebook } from "../store/context.ts";
import { Icon } from "../ui/icon.tsx";
import type { Cell, Output } from "../wire/shapes.ts";
import { askedFor, choicesOf, type AnswerShape } from "./answer-shape.ts";

interface Props {
  readonly cell: Cell;
  readonly answer: EditedAnswer;
  /** The answer in use; undefined: an item that has none. */
  readonly output: Output | undefined;
  readonly shape: AnswerShape;
}

export function AnswerEditor({ cell, answer, output, shape }: Props) {
  const notebook = useNotebook();
  const value = output?.value;
  const isFields = shape === "form" && value !== null && typeof value === "object" && !Array.isArray(value);
  const first = () => draftOf(answer) ?? (isFields ? JSON.stringify(value) : textOf(cell, output));
  const [text, setText] = useState(first);
  const [isSaving, setSaving] = useState(false);
  const form = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const field = form.current?.querySelector<HTMLElement>("textarea, input, select");
    field?.focus();
  }, []);

  const write = (next: string) => {
    setText(next);
    keepDraft(answer, next);
  };
  const save = async () => {
    setSaving(true);
    await saveAnswer(notebook, answer, isFields ? { value: JSON.parse(text) } : { content: text });
    setSaving(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      editedAnswer.value = null; // the draft stays
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      void save();
    }
  };
  return (
    <div class="answer-edit" ref={form} onKeyDown={onKeyDown}>
      {isFields ? (
        <Fields cell={cell} value={JSON.parse(text) as Record<string, unknown>} onChange={(next) => write(JSON.stringify(next))} />
      ) : (
        <Growing text={text} isCode={value !== undefined || Boolean(cell.schema)} onChange={write} />
      )}
      <div class="edit-actions">
        <button class="button small primary" disabled={isSaving} onClick={() => void save()} title="Ctrl Enter">
          Save
        </button>
        <button
          class="button quiet small"
          onClick={() => {
            dropDraft(answer);
            editedAnswer.value = null;
          }}
        >
          Discard
        </button>
        <span class="quiet-text">The model's answer is kept.</span>
      </div>
    </div>
  );
}

function textOf(cell: Cell, output: Output | undefined): string {
  if (output?.value !== undefined) return JSON.stringify(output.value, null, 2);
  return output?.content ?? (cell.schema ? "{}" : "");
}

function Growing({ text, isCode, onChange }: { text: string; isCode: boolean; onChange: (text: string) => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);
  return (
    <textarea
      ref={field}
      class={isCode ? "is-code" : undefined}
      aria-label="Answer"
      value={text}
      spellcheck={!isCode}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface FieldsProps {
  readonly cell: Cell;
  readonly value: Record<string, unknown>;
  readonly onChange: (value: Record<string, unknown>) => void;
}

function Fields({ cell, value, onChange }: FieldsProps) {
  const asked = askedFor(cell.schema);
  return (
    <div class="answer-form">
      {Object.entries(value).map(([name, held]) => (
        <label key={name}>
          <code>{name}</code>
          <FieldInput name={name} value={held} choices={choicesOf(cell.schema, name)} onChange={(next) => onChange({ ...value, [name]: next })} />
          <span class="quiet-text">{asked.get(name)}</span>
        </label>
      ))}
    </div>
  );
}

interface FieldProps {
  readonly name: string;
  readonly value: unknown;
  /** The values that the schema allows, where it lists them. */
  readonly choices: readonly string[];
  readonly onChange: (value: unknown) => void;
}

function FieldInput({ name, value, choices, onChange }: FieldProps) {
  const [text, setText] = useState(() => (typeof value === "string" ? value : JSON.stringify(value)));
  const [isWrong, setWrong] = useState(false);
  if (typeof value === "boolean") {
    return (
      <select aria-label={name} value={String(value)} onChange={(event) => onChange(event.currentTarget.value === "true")}>
        <option value="true">yes</option>
        <option value="false">no</option>
      </select>
    );
  }
  if (typeof value === "string" && choices.includes(value)) {
    return (
      <select aria-label={name} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  }
  if (typeof value === "number" || typeof value === "string") {
    const isNumber = typeof value === "number";
    const common = {
      "aria-label": name,
      value: text,
      onInput: (event: { currentTarget: HTMLInputElement }) => {
        const next = event.currentTarget.value;
        setText(next);
        if (!isNumber) onChange(next);
        else if (next.trim() && Number.isFinite(Number(next))) onChange(Number(next));
      },
    };
    return isNumber ? <input type="number" step="any" {...common} /> : <input {...common} />;
  }
  return (
    <span>
      <textarea
        aria-label={name}
        class="is-code"
        rows={Math.min(8, text.split("\n").length)}
        value={text}
        aria-invalid={isWrong}
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          try {
            onChange(JSON.parse(next));
            setWrong(false);
          } catch {
            setWrong(true);
          }
        }}
      />
      {isWrong && (
        <span class="warning">
          <Icon name="warn" />
          Not JSON yet
        </span>
      )}
    </span>
  );
}
