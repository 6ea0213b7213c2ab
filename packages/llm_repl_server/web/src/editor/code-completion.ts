/** Completion and signatures of code, asked of the kernel with the text as it stands. */

import {
  acceptCompletion, autocompletion, closeCompletion, startCompletion, type Completion, type CompletionContext, type CompletionResult,
} from "@codemirror/autocomplete";
import { indentLess, indentMore } from "@codemirror/commands";
import { syntaxTree } from "@codemirror/language";
import { Prec, StateEffect, StateField, type Extension } from "@codemirror/state";
import { keymap, showTooltip, type EditorView, type Tooltip } from "@codemirror/view";
import type { EditorSources, SignatureHelp } from "./sources.ts";

const WORD = /[\p{L}_][\p{L}\p{N}_]*$/u;
/** Behind these the kernel is asked though no letter was typed: an attribute, a key. */
const OPENER = /(?:[\p{L}\p{N}_)\]]\.|\[\s*["'])$/u;
const IN_KEY = /\[\s*["'][^"']*$/;

interface CodeCompletion extends Completion {
  readonly kind: string;
}

export function codeCompletion(sources: EditorSources): Extension {
  return [
    // Before completion's own keys, of which one takes Escape while it still asks.
    Prec.highest(keymap.of([{ key: "Escape", run: hideSignature }])),
    autocompletion({
      override: [(context) => complete(sources, context)],
      icons: false,
      addToOptions: [{ render: (option) => kind((option as CodeCompletion).kind), position: 80 }],
    }),
    signature,
    Prec.high(
      keymap.of([
        { key: "Tab", run: (view) => acceptCompletion(view) || completeWord(view) || indentMore(view) },
        { key: "Shift-Tab", run: (view) => showSignature(view, sources) || indentLess(view) },
      ]),
    ),
  ];
}

function kind(text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "kind";
  element.textContent = text;
  return element;
}

async function complete(sources: EditorSources, context: CompletionContext): Promise<CompletionResult | null> {
  const { state, pos } = context;
  const line = state.sliceDoc(state.doc.lineAt(pos).from, pos);
  if (!context.explicit && !WORD.test(line) && !OPENER.test(line)) return null;
  const node = syntaxTree(state).resolveInner(pos, -1).name;
  if (!context.explicit && (node === "Comment" || node === "Number")) return null;
  if (!context.explicit && node.endsWith("String") && !IN_KEY.test(line)) return null;
  const abort = new AbortController();
  context.addEventListener("abort", () => abort.abort());
  const found = await sources.complete(state.doc.toString(), pos, abort.signal);
  if (!found?.options.length) return null;
  return {
    from: found.start,
    options: found.options.map(({ text, type }): CodeCompletion => ({ label: text, kind: type })),
    validFor: /^[\p{L}\p{N}_]*$/u,
  };
}

/** Complete the word before the cursor; false: there is none, so that Tab indents. */
function completeWord(view: EditorView): boolean {
  const { main } = view.state.selection;
  if (!main.empty) return false;
  const line = view.state.doc.lineAt(main.head);
  const before = view.state.sliceDoc(line.from, main.head);
  return WORD.test(before) || OPENER.test(before) ? startCompletion(view) : false;
}

// Signatures -----------------------------------------------------------------------------------------

const setSignature = StateEffect.define<Tooltip | null>();

const signature = StateField.define<Tooltip | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(setSignature)) return effect.value;
    if (!shown) return null;
    const { head } = transaction.newSelection.main;
    const doc = transaction.newDoc;
    const at = transaction.changes.mapPos(shown.pos);
    // It stays while the arguments are typed: until another line, or the end of the call.
    const isLeft = doc.lineAt(head).number !== doc.lineAt(at).number || head < at || doc.sliceString(at, head).includes(")");
    return isLeft ? null : { ...shown, pos: at };
  },
  provide: (field) => showTooltip.from(field),
});

/** Whether a signature is shown, which Escape then closes. */
export function hasSignature(view: EditorView): boolean {
  return view.state.field(signature, false) != null;
}

function hideSignature(view: EditorView): boolean {
  if (!hasSignature(view)) return false;
  closeCompletion(view);
  view.dispatch({ effects: setSignature.of(null) });
  return true;
}

function showSignature(view: EditorView, sources: EditorSources): boolean {
  const { main } = view.state.selection;
  const line = view.state.doc.lineAt(main.head);
  if (!main.empty || !view.state.sliceDoc(line.from, main.head).trim()) return false;
  const asked = view.state.doc;
  void sources.inspect(asked.toString(), main.head).then((told) => {
    if (!told || view.state.doc !== asked) return;
    view.dispatch({
      effects: setSignature.of({ pos: main.head, above: true, create: () => ({ dom: drawn(told) }) }),
    });
  });
  return true;
}

function drawn(told: SignatureHelp): HTMLElement {
  const box = document.createElement("div");
  box.className = "signature";
  box.setAttribute("role", "status");
  const line = document.createElement("div");
  line.append(told.name, ...withParameter(told));
  box.append(line);
  const below = told.documentation || (told.signature ? "" : told.short);
  if (below) {
    const text = document.createElement("div");
    text.className = "documentation";
    text.textContent = below;
    box.append(text);
  }
  return box;
}

/** The signature with the argument that is being typed in bold. */
function withParameter({ signature: text, parameter }: SignatureHelp): (Node | string)[] {
  if (parameter === null || !text.startsWith("(")) return [text];
  let depth = 0;
  let place = 0;
  let from = 1;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? "";
    if ("([{".includes(sign)) depth++;
    else if (")]}".includes(sign)) depth--;
    if ((sign === "," && depth === 1) || depth === 0) {
      const isMark = /^\s*[*/]\s*$/.test(text.slice(from, at));
      if (place === parameter && !isMark) {
        const bold = document.createElement("b");
        bold.textContent = text.slice(from, at).trimStart();
        return [text.slice(0, at - bold.textContent.length), bold, text.slice(at)];
      }
      if (!isMark) place++;
      from = at + 1;
      if (depth === 0) break;
    }
  }
  return [text];
}
