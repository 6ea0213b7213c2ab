/** What may be added below the focused cell. */

import { useNotebook } from "../store/context.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { CellType } from "../wire/shapes.ts";
import { addCell } from "./commands.ts";

const CHOICES: readonly (readonly [CellType, string, IconName])[] = [
  ["PromptCell", "Prompt", "prompt"],
  ["ComputationCell", "Code", "code"],
  ["MarkdownCell", "Markdown", "md"],
  ["MemoryCell", "Memory", "memory"],
];

/** The buttons; `after`: the cell above, null for the end of the notebook. */
export function AddRow({ after }: { after: string | null }) {
  const notebook = useNotebook();
  const order = notebook.order.value;
  const position = after === null ? order.length : order.indexOf(after) + 1;
  return (
    <div class={after === null ? "add-at-end" : "add-row"}>
      {after === null && <span class="quiet-text">Add</span>}
      {CHOICES.map(([type, word, icon]) => (
        <button class="button quiet small" onClick={() => addCell(notebook, type, position)}>
          <Icon name={after === null ? icon : "plus"} />
          {word}
        </button>
      ))}
    </div>
  );
}
