/** What a prompt is sent along with: nothing, all above, or chosen cells. */

import { useEffect } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { isContextOpen, sendsAlong, sentAlong } from "../store/sent-along.ts";
import type { Cell } from "../wire/shapes.ts";

/** "sent alone", "sends all above", "sends 1, 2, 5". */
export function contextText(cell: Cell, order: readonly string[]): string {
  const context = cell.context ?? "isolated";
  if (context === "isolated") return "sent alone";
  if (context === "above") return "sends all above";
  const numbers = context.map((id) => order.indexOf(id) + 1).filter((number) => number > 0);
  return numbers.length ? `sends ${numbers.sort((a, b) => a - b).join(", ")}` : "sends none chosen";
}

const WAYS = [
  ["isolated", "Alone", "Only the system text, and what is pinned above"],
  ["above", "All above", "Every cell above, but for skipped ones"],
  ["list", "Chosen cells", "Those that are marked at the left: S sends one along"],
] as const;

export function ContextChoice({ cell, close }: { cell: Cell; close: () => void }) {
  const notebook = useNotebook();
  useEffect(() => {
    isContextOpen.value = true;
    return () => {
      isContextOpen.value = false;
    };
  }, []);
  const now = Array.isArray(cell.context) ? "list" : (cell.context ?? "isolated");
  return (
    <div class="options" role="radiogroup" aria-label="What is sent along">
      {WAYS.map(([way, word, says]) => (
        <button
          role="radio"
          aria-checked={way === now}
          class="option"
          key={way}
          onClick={() => {
            const context =
              way === "list" ? sentAlong(notebook, cell).filter((id) => sendsAlong(notebook, id)) : way;
            notebook.change(cell.id, { context });
            close();
          }}
        >
          <i />
          <b>{word}</b>
          <small>{says}</small>
        </button>
      ))}
    </div>
  );
}
