/**
 * The editor of a cell's source. It is a file of its own, which is loaded behind the page: the text
 * of the cells is there before.
 */

import { closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { selectNextOccurrence, selectSelectionMatches } from "@codemirror/search";
import { Annotation, EditorState, StateField, type Extension, type Text } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, MatchDecorator, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { codeCompletion, hasSignature } from "./code-completion.ts";
import type { EditorSources } from "./sources.ts";
import { templateCompletion } from "./template-completion.ts";
import { INLINE_CODE, isParagraphGap } from "./template-look.ts";

export { highlight } from "./highlight.ts";

export type Language = "python" | "template" | "markdown";

export interface EditorOptions {
  readonly text: string;
  readonly language: Language;
  /** Where the cursor stands at first, as an offset in the text; null: at the end. */
  readonly cursor: number | null;
  /** Where what is selected up to there begins; null: nothing is. */
  readonly selectedFrom: number | null;
  readonly label: string;
  /** What the page's policy lets style sheets in by. */
  readonly nonce: string;
  readonly sources: EditorSources;
  readonly onChange: (text: string) => void;
  /** A key that is not the editor's own; true: it was taken. */
  readonly onKey: (event: KeyboardEvent) => boolean;
  readonly onBlur: () => void;
}

export interface Editor {
  /** Show another text: somebody else has changed it. The cursor stays where it can. */
  setText(text: string): void;
  focus(): void;
  /** Where the cursor stands, as an offset in the text. */
  cursor(): number;
  /** Put a text in the place of what is chosen. */
  insert(text: string): void;
  destroy(): void;
}

const colours = tagHighlighter([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword], class: "code-word" },
  { tag: [tags.string, tags.special(tags.string)], class: "code-text" },
  { tag: [tags.number, tags.bool, tags.null], class: "code-number" },
  { tag: [tags.comment, tags.lineComment], class: "code-note" },
]);

const fieldMarks = new MatchDecorator({
  regexp: /\{\s*[\p{L}_][^{}]*\}/gu,
  decoration: Decoration.mark({ class: "field" }),
});

const codeMark = Decoration.mark({ tagName: "code" });
const tickMark = Decoration.mark({ class: "tick" });
const codeMarks = new MatchDecorator({
  regexp: INLINE_CODE,
  decorate: (add, from, to) => {
    add(from, from + 1, tickMark);
    add(from + 1, to - 1, codeMark);
    add(to - 1, to, tickMark);
  },
});

const marksOf = (decorator: MatchDecorator) =>
  ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;
      constructor(view: EditorView) {
        this.decorations = decorator.createDeco(view);
      }
      update(update: ViewUpdate) {
        this.decorations = decorator.updateDeco(update, this.decorations);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );

const gapLine = Decoration.line({ class: "template-gap" });

/** Of the whole text, and not of what is seen: the height of lines must not depend on that. */
function paragraphGaps(text: Text): DecorationSet {
  const lines = text.toJSON();
  const gaps = lines.flatMap((line, at) =>
    isParagraphGap(lines[at - 1], line, lines[at + 1]) ? [gapLine.range(text.line(at + 1).from)] : [],
  );
  return Decoration.set(gaps);
}

const gaps = StateField.define<DecorationSet>({
  create: (state) => paragraphGaps(state.doc),
  update: (found, { docChanged, newDoc }) => (docChanged ? paragraphGaps(newDoc) : found),
  provide: (field) => EditorView.decorations.from(field),
});

const fromElsewhere = Annotation.define<boolean>();

/** The one change that makes one text of another, so that the cursor stays where it can. */
function changedPart(before: string, after: string): { from: number; to: number; insert: string } {
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start++;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

/** Put an editor into an element. */
export function mountEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const head = Math.min(options.cursor ?? options.text.length, options.text.length);
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: options.text,
      selection: { anchor: Math.min(options.selectedFrom ?? head, head), head },
      extensions: [
        // Before the editor's own keys, so that those that run a cell do not break a line.
        EditorView.domEventHandlers({
          keydown: (event, view) => {
            // What an input method is still composing is nobody's key; 229 is Safari's word for it.
            if (event.isComposing || event.keyCode === 229) return false;
            // Escape first closes what is open; what is only asked for is nothing that one sees.
            if (event.key === "Escape" && (completionStatus(view.state) === "active" || hasSignature(view))) return false;
            return options.onKey(event);
          },
          blur: () => options.onBlur(),
        }),
        history(),
        ...ofLanguage(options),
        EditorState.allowMultipleSelections.of(true),
        drawSelection(),
        keymap.of([
          { key: "Mod-d", run: selectNextOccurrence, preventDefault: true },
          { key: "Mod-Shift-l", run: selectSelectionMatches, preventDefault: true },
          ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
        EditorView.lineWrapping,
        EditorView.cspNonce.of(options.nonce),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: options.language === "python" ? "false" : "true" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          if (update.transactions.some((transaction) => transaction.annotation(fromElsewhere))) return;
          options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText(text) {
      const before = view.state.doc.toString();
      if (text === before) return; // what was typed here comes back
      view.dispatch({ changes: changedPart(before, text), annotations: fromElsewhere.of(true) });
    },
    focus: () => view.focus(),
    cursor: () => view.state.selection.main.head,
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function ofLanguage(options: EditorOptions): Extension[] {
  switch (options.language) {
    case "python":
      return [
        pythonLanguage,
        syntaxHighlighting(colours),
        indentUnit.of("    "),
        bracketMatching(),
        closeBrackets(),
        codeCompletion(options.sources),
      ];
    case "template":
      return [marksOf(fieldMarks), marksOf(codeMarks), gaps, templateCompletion(options.sources)];
    case "markdown":
      return [];
  }
}
