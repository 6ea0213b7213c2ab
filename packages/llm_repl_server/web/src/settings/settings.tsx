/** Settings: over whatever is open, which stays as it is. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { dialog, openDialog } from "../store/dialog.ts";
import { readProviders } from "../store/server.ts";
import { Icon } from "../ui/icon.tsx";
import { KeptByServer } from "./kept-by-server.tsx";
import { Look } from "./look.tsx";
import { NewNotebooks } from "./new-notebooks.tsx";
import { ProviderList } from "./provider-list.tsx";
import { WhoAnswers } from "./who-answers.tsx";

const PARTS = [
  ["models-and-keys", "Models and keys"],
  ["new-notebooks", "New notebooks"],
  ["look", "Look"],
] as const;

export function Settings() {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    element.current?.showModal();
    void readProviders();
  }, []);
  const close = () => {
    dialog.value = null;
  };
  const show = (id: string) => element.current?.querySelector(`#${id}`)?.scrollIntoView();
  return (
    <dialog ref={element} class="settings" aria-label="Settings" onClose={close}>
      <header class="bar">
        <button class="button quiet only-icon" aria-label="Back" title="Back" onClick={close}>
          <Icon name="left" />
        </button>
        <span class="brand">
          <Icon name="mark" />
          LLM-REPL
        </span>
        <span class="bar-right">
          <button class="button quiet only-icon" aria-label="Close settings" title="Close settings (Esc)" onClick={close}>
            <Icon name="x" />
          </button>
        </span>
      </header>
      <div class="settings-parts">
        <nav aria-label="Settings">
          <h1>Settings</h1>
          {PARTS.map(([id, word], index) => (
            <button key={id} aria-current={index === 0 ? "page" : undefined} onClick={() => show(id)}>
              {word}
            </button>
          ))}
          <button onClick={() => openDialog("keys")}>Keyboard</button>
          <button onClick={() => show("kernels")}>Kernels</button>
          <button onClick={() => show("storage")}>Storage and record</button>
        </nav>
        <div>
          <WhoAnswers />
          <ProviderList />
          <NewNotebooks />
          <Look />
          <KeptByServer onLeave={close} />
        </div>
      </div>
    </dialog>
  );
}
