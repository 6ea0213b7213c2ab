/** A cell's source: text to read, and an editor while it is edited. */

import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Editor, Language } from "../editor/editor.ts";
import { editorModule, loadEditor } from "../editor/load.ts";
import { useNotebook } from "../store/context.ts";
import { editCell, editing, focused, hasFocus, stopEditing } from "../store/focus.ts";
import { takeTypedAhead } from "../store/typed-ahead.ts";
import { splitCell } from "./commands.ts";
import { editorSources } from "./editor-sources.tsx";

/** The editor that is open, for what stands beside it. */
export const current = signal<Editor | null>(null);

interface Props {
  readonly cellId: string;
  readonly text: string;
  readonly language: Language;
  readonly label: string;
  readonly class: string;
  readonly onChange: (text: string) => void;
  readonly onKey: (event: KeyboardEvent) => boolean;
  /** The text as it is read. */
  readonly children: ComponentChildren;
}

export function Source(props: Props) {
  const isEdited = hasFocus(props.cellId) && editing.value !== null;
  // What is only read is not drawn again when the editor comes.
  const module = isEdited ? editorModule.value : null;
  if (isEdited && !module) void loadEditor();
  return module ? (
    <EditedSource {...props} />
  ) : (
    <div class={props.class} onClick={(event) => onClick(event, props)}>
      {props.children}
    </div>
  );
}

function onClick(event: MouseEvent, { cellId, text }: Props): void {
  if (event.defaultPrevented || event.shiftKey || event.ctrlKey || event.metaKey || !document.getSelection()?.isCollapsed) return;
  editCell(cellId, { cursor: offsetAt(event, text) });
}

/** Where in the text a click was, where what is shown is the text; else null. */
function offsetAt(event: MouseEvent, text: string): number | null {
  const shown = event.currentTarget as HTMLElement;
  if (shown.textContent !== text) return null;
  const position = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  if (!position || !shown.contains(position.offsetNode)) return null;
  const range = document.createRange();
  range.setStart(shown, 0);
  range.setEnd(position.offsetNode, position.offset);
  return range.toString().length;
}

function EditedSource(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const notebook = useNotebook();
  const latest = useRef(props);
  latest.current = props;

  /** As in Jupyter: what stands behind the cursor becomes a cell of its own. */
  const splits = (event: KeyboardEvent, offset: number): boolean => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== "Minus") return false;
    event.preventDefault();
    splitCell(notebook, props.cellId, offset);
    return true;
  };

  // Not behind the next frame: what is typed right behind the click is typed into the editor.
  useLayoutEffect(() => {
    const module = editorModule.peek();
    if (!module || !place.current) return;
    const typeOf = () => notebook.view(props.cellId).cell.peek()?.type;
    const type = typeOf();
    const made = module.mountEditor(place.current, {
      text: latest.current.text,
      language: latest.current.language,
      cursor: editing.peek()?.cursor ?? null,
      selectedFrom: editing.peek()?.selectedFrom ?? null,
      label: latest.current.label,
      nonce: document.querySelector<HTMLMetaElement>("meta[name=nonce]")?.content ?? "",
      sources: editorSources(notebook),
      onChange: (text) => latest.current.onChange(text),
      onKey: (event) => splits(event, made.cursor()) || latest.current.onKey(event),
      onBlur: () => {
        // To another window and back, one goes on editing.
        if (!document.hasFocus() || focused.peek() !== latest.current.cellId) return;
        // A cell that becomes another type gets another editor, and what is typed is no command meanwhile.
        const now = typeOf();
        if (now === undefined || now === type) stopEditing();
        else if (editing.peek()) editing.value = { cursor: made.cursor() };
      },
    });
    const ahead = takeTypedAhead(latest.current.cellId);
    if (ahead) made.insert(ahead);
    made.focus();
    current.value = made;
    // At once, and not when it is drawn: the next key is typed into the text that others have changed, and not over it.
    const stop = effect(() => {
      const cell = notebook.view(props.cellId).cell.value;
      if (cell) made.setText(cell.content);
    });
    return () => {
      stop();
      if (current.peek() === made) current.value = null;
      made.destroy();
    };
  }, []);

  return <div class={`${props.class} edited`} ref={place} />;
}
