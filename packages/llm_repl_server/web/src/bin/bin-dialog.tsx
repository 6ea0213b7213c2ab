/** What was deleted: cells of the open notebook, and notebooks. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { dialog } from "../store/dialog.ts";
import { focusCell } from "../store/focus.ts";
import { goTo, openId } from "../store/route.ts";
import { moment, plural } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import { bin, type BinnedCell, type BinnedNotebook } from "../wire/cell-steps.ts";
import { RestError } from "../wire/rest.ts";

const cells = signal<readonly BinnedCell[] | null>(null);
const notebooks = signal<readonly BinnedNotebook[] | null>(null);

async function read(): Promise<void> {
  const open = openId.peek();
  await attempt(async () => {
    [cells.value, notebooks.value] = await Promise.all([open === null ? [] : bin.cells(open), bin.notebooks()]);
  });
}

/** Do something, and say why where it can't be done. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    toast(error.message);
  }
}

export function BinView() {
  useEffect(() => void read(), []);
  const open = openId.value;
  if (cells.value === null || notebooks.value === null) return <p role="status">Loading</p>;
  return (
    <div class="bin">
      {open !== null && (
        <section>
          <h3>Cells of this notebook</h3>
          <List
            empty="No cell was deleted."
            items={cells.value.map((cell) => ({
              id: cell.id,
              icon: ICONS[cell.type] ?? "code",
              name: cell.excerpt.split("\n").find((line) => line.trim()) ?? "Empty cell",
              detail: moment(cell.deleted_at),
              restore: async () => {
                await bin.restoreCell(open, cell.id);
                focusCell(cell.id);
              },
              forget: () => bin.forgetCell(open, cell.id),
            }))}
          />
        </section>
      )}
      <section>
        <h3>Notebooks</h3>
        <List
          empty="No notebook was deleted."
          items={notebooks.value.map((notebook) => ({
            id: notebook.id,
            icon: "file",
            name: notebook.name,
            detail: `${plural(notebook.cell_count, "cell")}, ${moment(notebook.deleted_at)}`,
            restore: async () => {
              await bin.restoreNotebook(notebook.id);
              dialog.value = null;
              goTo(notebook.id);
            },
            forget: () => bin.forgetNotebook(notebook.id),
          }))}
        />
      </section>
    </div>
  );
}

const ICONS: Readonly<Record<string, IconName>> = {
  MarkdownCell: "md", ComputationCell: "code", PromptCell: "prompt", MemoryCell: "memory",
};

interface Item {
  readonly id: string;
  readonly icon: IconName;
  readonly name: string;
  readonly detail: string;
  readonly restore: () => Promise<unknown>;
  readonly forget: () => Promise<unknown>;
}

function List({ items, empty }: { items: readonly Item[]; empty: string }) {
  if (!items.length) return <p class="quiet-text">{empty}</p>;
  const act = (work: () => Promise<unknown>) => void attempt(work).then(read);
  return (
    <ul>
      {items.map((item) => (
        <li key={item.id}>
          <Icon name={item.icon} />
          <span class="bin-name">{item.name}</span>
          <span class="quiet-text">{item.detail}</span>
          <button class="button small" onClick={() => act(item.restore)}>
            <Icon name="undo" />
            Restore
          </button>
          <button
            class="button quiet small only-icon"
            aria-label={`Delete “${item.name}” for good`}
            title="Delete for good"
            onClick={() => confirm("Delete it for good? This can't be undone.") && act(item.forget)}
          >
            <Icon name="trash" />
          </button>
        </li>
      ))}
    </ul>
  );
}
