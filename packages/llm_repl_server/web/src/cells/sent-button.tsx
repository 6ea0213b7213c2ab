/** At the left of a cell above the prompt in focus: whether it is sent along, and its weight. */

import { useNotebook } from "../store/context.ts";
import { sentState, toggleSent, type SentState } from "../store/sent-along.ts";
import { count } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import type { Cell } from "../wire/shapes.ts";

const LOOKS: Readonly<Record<SentState, { icon: IconName; word: string; title: string }>> = {
  sent: { icon: "sent", word: "sent", title: "Sent with the prompt in focus. Leave out" },
  pinned: { icon: "pin", word: "pinned", title: "Pinned: sent with every prompt below. Unpin" },
  skipped: { icon: "skip", word: "skipped", title: "Skipped: sent with no prompt. Do not skip" },
  not_sent: { icon: "unsent", word: "not sent", title: "Not sent with the prompt in focus. Send along" },
};

export function SentButton({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const found = sentState(notebook, cell);
  if (!found) return null;
  const { icon, word, title } = LOOKS[found.state];
  const isSent = found.state === "sent" || found.state === "pinned";
  const tokens = isSent && found.tokens !== null ? count(found.tokens) : "";
  return (
    <button
      class={`sent-button is-${found.state}`}
      aria-pressed={isSent}
      title={title}
      aria-label={`Cell ${notebook.view(cell.id).index.value + 1} is ${word}${tokens ? `, ${tokens} tokens` : ""}`}
      // The focus stays with the prompt, whose context this is.
      onMouseDown={(event) => event.preventDefault()}
      onFocusIn={(event) => event.stopPropagation()}
      onClick={() => toggle(notebook, cell.id)}
    >
      <Icon name={icon} />
      <span>{tokens ? `${word},` : word}</span>
      {tokens && <span class="figures">{tokens}</span>}
    </button>
  );
}

export function toggle(notebook: Parameters<typeof toggleSent>[0], id: string): void {
  const said = toggleSent(notebook, id);
  if (said) toast(said);
}

/** The spine of such a cell: as wide as it weighs. */
export function SentWeight({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const found = sentState(notebook, cell);
  // Of a prompt that is sent alone nothing is faded: there is nothing to tell it from.
  if (!found || (found.state === "not_sent" && !found.isLeftOut)) return null;
  const isSent = found.state === "sent" || found.state === "pinned";
  return (
    <i
      class={`sent-weight is-${found.state}`}
      ref={(element) => element?.style.setProperty("width", isSent ? `${4 + 8 * found.weight}px` : "0")}
    />
  );
}
