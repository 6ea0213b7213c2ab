/** Completion of a template's fields: names on a brace, and what they hold behind a point or bracket. */

import {
  autocompletion, completionStatus, pickedCompletion, selectedCompletion, type Completion, type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { Prec, type Extension } from "@codemirror/state";
import { keymap, ViewPlugin, type EditorView } from "@codemirror/view";
import { fieldPlace } from "./field-path.ts";
import type { EditorSources, FieldOption, NameOption } from "./sources.ts";

interface FieldCompletion extends Completion {
  readonly icon?: () => Node;
  readonly short: string;
  readonly number: string;
}

const LOOK_BACK = 500;

export function templateCompletion(sources: EditorSources): Extension {
  return [
    autocompletion({
      override: [(context) => complete(sources, context)],
      icons: false,
      // Who types a brace waits for the names: Enter is meant for them at once.
      interactionDelay: 0,
      tooltipClass: () => "names",
      addToOptions: [
        { render: (option) => span("maker", (option as FieldCompletion).icon?.()), position: 20 },
        { render: (option) => span("short", (option as FieldCompletion).short), position: 60 },
        { render: (option) => span("number", (option as FieldCompletion).number), position: 80 },
      ],
    }),
    Prec.highest(keymap.of([{ key: ":", run: insertWithFormat }])),
    keysHint,
  ];
}

function span(name: string, content: Node | string | undefined): HTMLElement {
  const element = document.createElement("span");
  element.className = name;
  if (content) element.append(content);
  return element;
}

async function complete(sources: EditorSources, context: CompletionContext): Promise<CompletionResult | null> {
  const before = context.state.sliceDoc(Math.max(0, context.pos - LOOK_BACK), context.pos);
  const place = fieldPlace(before);
  if (!place) return null;
  const abort = new AbortController();
  context.addEventListener("abort", () => abort.abort());
  const from = context.pos - place.typed.length;
  if (place.name === null) {
    const names = await sources.names();
    return { from, options: names.map(nameCompletion), validFor: /^[\p{L}\p{N}_]*$/u };
  }
  const fields = await sources.fields(place.name, place.path, abort.signal);
  const options = fields
    .filter((field) => place.opener === "." || !field.isAttribute)
    .map((field) => fieldCompletion(field, place.typed.length - place.word.length));
  return options.length ? { from: context.pos - place.word.length, options, validFor: /^[\p{L}\p{N}_]*$/u } : null;
}

function nameCompletion(option: NameOption): FieldCompletion {
  return { label: option.name, icon: option.icon, short: option.short, number: option.number, apply: (view, completion, from, to) => insert(view, completion, from, to, option.name) };
}

function fieldCompletion(field: FieldOption, openerLength: number): FieldCompletion {
  const text = field.isAttribute ? `.${field.step}` : field.isPosition ? `[${field.step}]` : `['${field.step}']`;
  return {
    label: field.label,
    short: field.short,
    number: "",
    apply: (view, completion, from, to) => insert(view, completion, from - openerLength, to, text),
  };
}

/** Insert and close the field, unless more of it stands behind. */
function insert(view: EditorView, completion: Completion, from: number, to: number, text: string): void {
  const behind = view.state.sliceDoc(to, to + 1);
  const closes = behind !== "}" && !/[\p{L}\p{N}_.[:!]/u.test(behind);
  const cursor = from + text.length + (closes || behind === "}" ? 1 : 0);
  view.dispatch({
    changes: { from, to, insert: closes ? `${text}}` : text },
    selection: { anchor: cursor },
    annotations: pickedCompletion.of(completion),
    userEvent: "input.complete",
  });
}

/** A colon takes the choice and goes on with a format. */
function insertWithFormat(view: EditorView): boolean {
  const option = completionStatus(view.state) === "active" ? selectedCompletion(view.state) : null;
  if (!option || typeof option.apply !== "function") return false;
  const to = view.state.selection.main.head;
  const place = fieldPlace(view.state.sliceDoc(Math.max(0, to - LOOK_BACK), to));
  if (!place) return false;
  option.apply(view, option, to - place.word.length, to);
  const at = view.state.selection.main.head;
  const from = view.state.sliceDoc(at - 1, at) === "}" ? at - 1 : at;
  view.dispatch({ changes: { from, insert: ":" }, selection: { anchor: from + 1 }, userEvent: "input.type" });
  return true;
}

/** Below the names: which keys do what. */
const keysHint = ViewPlugin.fromClass(
  class {
    update(update: { view: EditorView }): void {
      if (completionStatus(update.view.state) !== "active") return;
      update.view.requestMeasure({
        key: this,
        read: (view) => view.dom.querySelector(".cm-tooltip-autocomplete.names"),
        write: (tooltip) => {
          if (!tooltip || tooltip.querySelector(".keys-hint")) return;
          const hint = span("keys-hint", undefined);
          hint.setAttribute("aria-hidden", "true");
          for (const [key, does] of [["↵", "insert"], [":", "format, as :.2f"], ["Esc", "close"]] as const) {
            const kbd = document.createElement("kbd");
            kbd.textContent = key;
            const part = span("", kbd);
            part.append(` ${does}`);
            hint.append(part);
          }
          tooltip.append(hint);
        },
      });
    }
  },
);
