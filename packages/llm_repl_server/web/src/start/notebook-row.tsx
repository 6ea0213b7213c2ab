/** A notebook in the list: its name and first text, how it is, what it cost; and what can be done with it. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { withCode } from "../prompt/fields.tsx";
import { overviews, readList } from "../store/notebook-list.ts";
import { newId } from "../store/ids.ts";
import { address, goTo } from "../store/route.ts";
import { count, moment, plural, spent } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { toast } from "../ui/toasts.tsx";
import { bin, duplicateNotebook } from "../wire/cell-steps.ts";
import { rest, RestError } from "../wire/rest.ts";
import type { Overview } from "../wire/search.ts";
import type { NotebookSummary } from "../wire/shapes.ts";

const FORMATS = ["llmn", "ipynb", "html"] as const;

export function NotebookRow({ notebook }: { notebook: NotebookSummary }) {
  const [isRenaming, setRenaming] = useState(false);
  const overview = overviews.value.get(notebook.id);
  const act = async (send: () => Promise<unknown>) => {
    try {
      await send();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      toast(error.message);
    }
    await readList();
  };
  const remove = () =>
    act(async () => {
      await rest.deleteNotebook(notebook.id);
      toast(`“${notebook.name}” was deleted.`, "Undo", () => void act(() => bin.restoreNotebook(notebook.id)));
    });
  const duplicate = () =>
    act(async () => {
      const made = await duplicateNotebook(notebook.id, newId());
      toast(`“${made.name}” was made.`, "Open", () => goTo(made.id));
    });
  const rename = (name: string | null) => {
    setRenaming(false);
    if (name?.trim() && name.trim() !== notebook.name) {
      void act(() => rest.changeNotebook(notebook.id, { name: name.trim() }));
    }
  };

  return (
    <tr>
      <td>
        {isRenaming ? (
          <NameField name={notebook.name} done={rename} />
        ) : (
          <a href={address(notebook.id)}>{notebook.name}</a>
        )}
        <p>
          {overview?.file && (
            <span class="in-file" title={`Lives in ${overview.file}`}>
              <Icon name="file" />
              <span>{overview.file}</span>
            </span>
          )}
          {overview?.lead || plural(notebook.cell_count, "cell")}
        </p>
      </td>
      <td class="state-column">{overview && <HowItIs overview={overview} />}</td>
      <td class="number-column">{overview && spent(overview.spent_usd)}</td>
      <td class="edited-column">{moment(notebook.updated_at)}</td>
      <td>
        <MenuButton label={`More for ${notebook.name}`}>
          <MenuItem icon="pencil" onClick={() => setRenaming(true)}>
            Rename
          </MenuItem>
          <MenuItem icon="copy" onClick={() => void duplicate()}>
            Duplicate
          </MenuItem>
          {FORMATS.map((format) => (
            <MenuItem key={format} icon="drop" onClick={() => location.assign(rest.downloadAddress(notebook.id, format))}>
              Download as .{format}
            </MenuItem>
          ))}
          <hr />
          <MenuItem icon="trash" danger onClick={() => void remove()}>
            Delete
          </MenuItem>
        </MenuButton>
      </td>
    </tr>
  );
}

function NameField({ name, done }: { name: string; done: (name: string | null) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  return (
    <input
      ref={input}
      class="input"
      aria-label="Name of the notebook"
      defaultValue={name}
      onBlur={(event) => done(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.isComposing) return;
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") {
          event.currentTarget.value = name;
          event.currentTarget.blur();
        }
      }}
    />
  );
}

/** A shape, a word and a reason. */
export function HowItIs({ overview }: { overview: Overview }) {
  const [icon, tone, text] = stateOf(overview);
  return (
    <span class={`notebook-state ${tone}`}>
      <Icon name={icon} spins={overview.state === "running"} />
      <span>{withCode(text)}</span>
    </span>
  );
}

function stateOf({ state, cells, ended, stale, stale_variable, recorded, asked, failed }: Overview): readonly [IconName, string, string] {
  switch (state) {
    case "running":
      return ["run", "acts", `running, ${ended} of ${cells}`];
    case "queued":
      return ["queued", "", "queued"];
    case "failed":
      return ["fail", "fails", `cell ${failed ?? "?"} failed`];
    case "stale":
      return ["stale", "warns", `${stale} stale${stale_variable ? `, \`${stale_variable}\` changed` : ""}`];
    case "replay":
      return ["record", "", "replay, no key"];
    case "done":
      return ["done", "", ended < cells ? `${ended} of ${cells} have run` : recorded ? `${count(recorded)} of ${count(asked)} on record` : "done"];
    case "not_run":
      return ["idle", "", "not run yet"];
    case "empty":
      return ["idle", "", "nothing to run"];
  }
}
