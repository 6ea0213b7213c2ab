/** What can be done with a cell, or with all that are chosen with it. */

import { useNotebook } from "../store/context.ts";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import type { Cell } from "../wire/shapes.ts";
import {
  cellsFor, changeType, deleteCells, duplicateCells, mergeCells, moveCells, runCell, toggleFlag,
} from "./commands.ts";
import { copyCells, pasteCopied } from "./copying.ts";
import { isFolded, toggleFold } from "./folds.ts";

export function CellMenu({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const all = () => cellsFor(cell.id);
  const runs = cell.type !== "MarkdownCell";
  return (
    <MenuButton label="More for this cell" icon="more">
      {runs && (
        <>
          <MenuItem icon="play" keys="Ctrl ↵" onClick={() => void runCell(notebook, cell.id)}>
            Run
          </MenuItem>
          <MenuItem icon="up" onClick={() => void notebook.runCell(cell.id, {}, "upstream")}>
            Run with what it needs
          </MenuItem>
          <MenuItem icon="down" onClick={() => void notebook.runCell(cell.id, {}, "downstream")}>
            Run with what needs it
          </MenuItem>
          <MenuItem icon="up" onClick={() => void notebook.runChosen({ to: cell.id })}>
            Run up to here
          </MenuItem>
          <MenuItem icon="down" onClick={() => void notebook.runChosen({ from: cell.id })}>
            Run from here on
          </MenuItem>
          <hr />
        </>
      )}
      <MenuItem icon="prompt" keys="P" onClick={() => changeType(notebook, all(), "PromptCell")}>
        Prompt
      </MenuItem>
      <MenuItem icon="code" keys="Y" onClick={() => changeType(notebook, all(), "ComputationCell")}>
        Code
      </MenuItem>
      <MenuItem icon="md" keys="M" onClick={() => changeType(notebook, all(), "MarkdownCell")}>
        Markdown
      </MenuItem>
      <MenuItem icon="memory" keys="R" onClick={() => changeType(notebook, all(), "MemoryCell")}>
        Memory
      </MenuItem>
      <hr />
      <MenuItem icon="up" keys="Alt ↑" onClick={() => moveCells(notebook, all(), -1)}>
        Move up
      </MenuItem>
      <MenuItem icon="down" keys="Alt ↓" onClick={() => moveCells(notebook, all(), 1)}>
        Move down
      </MenuItem>
      <MenuItem icon="cols" keys="⇧ M" onClick={() => mergeCells(notebook, all())}>
        Merge with the next
      </MenuItem>
      <MenuItem icon="pin" keys="⇧ P" onClick={() => toggleFlag(notebook, all(), "pinned")}>
        {cell.pinned ? "Unpin" : "Pin: send it with every prompt below"}
      </MenuItem>
      <MenuItem icon="skip" keys="⇧ S" onClick={() => toggleFlag(notebook, all(), "skipped")}>
        {cell.skipped ? "Do not skip" : "Skip: never send it"}
      </MenuItem>
      <hr />
      <MenuItem icon="copy" keys="C" onClick={() => copyCells(notebook)}>
        Copy
      </MenuItem>
      <MenuItem icon="copy" keys="X" onClick={() => copyCells(notebook, true)}>
        Cut
      </MenuItem>
      <MenuItem icon="plus" keys="V" onClick={() => void pasteCopied(notebook)}>
        Paste below
      </MenuItem>
      <MenuItem icon="each" onClick={() => duplicateCells(notebook, all())}>
        Duplicate
      </MenuItem>
      <MenuItem icon="fold" keys="F" onClick={() => toggleFold(notebook, all(), "source")}>
        {isFolded(cell, "source") ? "Unfold the source" : "Fold the source"}
      </MenuItem>
      <MenuItem icon="fold" keys="O" onClick={() => toggleFold(notebook, all(), "outputs")}>
        {isFolded(cell, "outputs") ? "Unfold the answer" : "Fold the answer"}
      </MenuItem>
      <hr />
      <MenuItem icon="trash" danger keys="D D" onClick={() => deleteCells(notebook, all())}>
        Delete
      </MenuItem>
    </MenuButton>
  );
}
