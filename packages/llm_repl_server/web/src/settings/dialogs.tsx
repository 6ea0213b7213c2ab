/** The dialogs: settings, and the table of keys. */

import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
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
        <Dialog title="Keyboard">
          <KeysTable />
        </Dialog>
      );
    case null:
      return null;
  }
}

function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  const close = () => (dialog.value = null);
  return (
    <dialog
      ref={element}
      class="dialog floating"
      aria-label={title}
      onClose={close}
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
