/** Editing on a phone: the cell takes the screen above the keyboard, with names and Run at hand. */

import { useEffect } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { stopEditing } from "../store/focus.ts";
import { inShort } from "../store/variable-lines.ts";
import { variablesOf } from "../store/variables.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { Cell } from "../wire/shapes.ts";
import { runCell } from "./commands.ts";
import { current } from "./source.tsx";

const SHOWN = 40;

interface HeadProps {
  readonly cell: Cell;
  readonly number: number;
  readonly type: { readonly icon: IconName; readonly word: string };
}

export function PhoneEditHead({ cell, number, type }: HeadProps) {
  return (
    <div class="phone-head">
      <b class="figures">{number}</b>
      <Icon name={type.icon} />
      <b>{type.word}</b>
      {cell.response_var && (
        <span class="quiet-text">
          gives <code>{cell.response_var}</code>
        </span>
      )}
      <button class="button quiet end" onClick={stopEditing}>
        Done
      </button>
    </div>
  );
}

/** The names that a template may use: the ones that begin with what was typed behind a brace. */
export function PhoneNames({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const { list, refresh } = variablesOf(notebook);
  useEffect(() => void refresh(), [notebook]);
  const values = new Map((list.value?.variables ?? []).map((variable) => [variable.name, inShort(variable)]));
  const editor = current.value;
  const typed = /\{([\p{L}\p{N}_]*)$/u.exec(cell.content.slice(0, editor?.cursor() ?? cell.content.length));
  const begun = typed?.[1] ?? null;
  const names = notebook.names.value.filter((name) => name.startsWith(begun ?? "")).slice(0, SHOWN);
  const insert = (name: string) => editor?.insert(begun === null ? `{${name}}` : `${name.slice(begun.length)}}`);
  return (
    <div class="phone-names" role="group" aria-label="Variables">
      <button aria-label="Braces" onClick={() => editor?.insert("{")}>
        <code>{"{}"}</code>
      </button>
      {names.map((name) => (
        <button key={name} onClick={() => insert(name)}>
          <code>{name}</code>
          {values.has(name) && <span class="quiet-text">{values.get(name)}</span>}
        </button>
      ))}
    </div>
  );
}

export function PhoneRun({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  if (cell.type === "MarkdownCell") return null;
  return (
    <button
      class="button primary phone-run"
      onClick={() => {
        stopEditing();
        void runCell(notebook, cell.id);
      }}
    >
      <Icon name="play" />
      Run
    </button>
  );
}
