/** Over the first notebook: who answers in it, and the way to others. */

import { openDialog } from "../store/dialog.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { defaultModel, providers } from "../store/server.ts";
import { Icon } from "../ui/icon.tsx";

const MOCK = "mock/mock";

export function MockBanner({ notebook }: { notebook: OpenNotebook }) {
  const metadata = notebook.metadata.value;
  const { model, ...own } = (metadata["llm_repl"] ?? {}) as Record<string, unknown>;
  if (metadata["first_minute"] !== true || model !== MOCK) return null;
  const hasOther = (providers.value?.current.type ?? "mock") !== "mock";
  return (
    <div class="banner">
      <Icon name="record" />
      <span>
        <b>Answers come from the built-in mock</b>: free, offline, always the same.
      </span>
      {hasOther ? (
        <button class="button end" onClick={() => notebook.setMetadata({ ...metadata, llm_repl: own })}>
          Ask {defaultModel.value} here
        </button>
      ) : (
        <button class="button end" onClick={() => openDialog("settings")}>
          Choose a model
          <Icon name="arrow" />
        </button>
      )}
    </div>
  );
}
