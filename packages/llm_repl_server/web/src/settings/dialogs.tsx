/** The dialogs: settings, the table of keys, the bin, and the files of the server. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { BinView } from "../bin/bin-dialog.tsx";
import { Browse } from "../files/browse.tsx";
import { dialog } from "../store/dialog.ts";
import { Icon } from "../ui/icon.tsx";
import { KeysTable } from "./keys-table.tsx";
import { Settings } from "./settings.tsx";

export function Dialogs() {
  switch (dialog.value) {
    case "settings":
      return <Settings />;
    case "keys":
      return (
        <Dialog title="Keyboard" isWide>
          <KeysTable />
        </Dialog>
      );
    case "bin":
      return (
        <Dialog title="Bin">
          <BinView />
        </Dialog>
      );
    case "files":
      return (
        <Dialog title="Open a file">
          <Browse />
        </Dialog>
      );
    case null:
      return null;
  }
}

interface DialogProps {
  readonly title: string;
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
}

function Dialog({ title, isWide = false, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => element.current?.showModal(), []);
  // By the element: it gives the focus back to where it was.
  const close = () => element.current?.close();
  return (
    <dialog
      ref={element}
      class={isWide ? "dialog floating is-wide" : "dialog floating"}
      aria-label={title}
      onClose={() => (dialog.value = null)}
      onClick={(event) => event.target === element.current && close()}
    >
      <header>
        <h2>{title}</h2>
        <button class="button quiet only-icon" aria-label="Close" onClick={close}>
          <Icon name="x" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
