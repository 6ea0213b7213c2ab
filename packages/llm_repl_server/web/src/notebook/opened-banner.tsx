/** Over a notebook that was opened and has not run here: what it shows, and a run that asks nobody. */

import { useComputed } from "@preact/signals";
import { plan } from "../store/forecasts.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { canReplay, isOnlyOpened, recordSentence } from "../store/opened.ts";
import { connection } from "../store/server.ts";
import { Icon } from "../ui/icon.tsx";

export function OpenedBanner({ notebook }: { notebook: OpenNotebook }) {
  const isShown = useComputed(() => isOnlyOpened(notebook.whole.value)).value;
  if (!isShown) return null;
  const ways = plan.value?.value.ways ?? [];
  const said = recordSentence(ways.find(({ mode }) => mode === "reuse"));
  const isFree = canReplay(ways.find(({ mode }) => mode === "replay"));
  return (
    <div class="banner">
      <Icon name="idle" />
      <span>
        <b>Not run here yet.</b> Answers are those {notebook.file.value ? "in the file" : "saved with it"}; variables come with a run. {said}
      </span>
      {isFree && (
        <span class="end">
          <button
            class="button"
            disabled={connection.value !== "connected"}
            onClick={() => void notebook.runAll({ mode: "replay" })}
          >
            <Icon name="record" />
            Replay, no key needed
          </button>
        </span>
      )}
    </div>
  );
}
