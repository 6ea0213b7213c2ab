/** What can be done with a cell, or with all that are chosen with it. */

import { useNotebook } from "../store/context.ts";
import { drawnKeysOf } from "../store/key-map.ts";
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
          <MenuItem icon="play" keys={drawnKeysOf("Ctrl+Enter")} onClick={() => void runCell(notebook, cell.id)}>
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
      <MenuItem icon="prompt" keys={drawnKeysOf("p")} onClick={() => changeType(notebook, all(), "PromptCell")}>
        Prompt
      </MenuItem>
      <MenuItem icon="code" keys={drawnKeysOf("y")} onClick={() => changeType(notebook, all(), "ComputationCell")}>
        Code
      </MenuItem>
      <MenuItem icon="md" keys={drawnKeysOf("m")} onClick={() => changeType(notebook, all(), "MarkdownCell")}>
        Markdown
      </MenuItem>
      <MenuItem icon="memory" keys={drawnKeysOf("r")} onClick={() => changeType(notebook, all(), "MemoryCell")}>
        Memory
      </MenuItem>
      <hr />
      <MenuItem icon="up" keys={drawnKeysOf("Alt+ArrowUp")} onClick={() => moveCells(notebook, all(), -1)}>
        Move up
      </MenuItem>
      <MenuItem icon="down" keys={drawnKeysOf("Alt+ArrowDown")} onClick={() => moveCells(notebook, all(), 1)}>
        Move down
      </MenuItem>
      <MenuItem icon="cols" keys={drawnKeysOf("Shift+m")} onClick={() => mergeCells(notebook, all())}>
        Merge with the next
      </MenuItem>
      <MenuItem icon="pin" keys={drawnKeysOf("Shift+p")} onClick={() => toggleFlag(notebook, all(), "pinned")}>
        {cell.pinned ? "Unpin" : "Pin: send it with every prompt below"}
      </MenuItem>
      <MenuItem icon="skip" keys={drawnKeysOf("Shift+s")} onClick={() => toggleFlag(notebook, all(), "skipped")}>
        {cell.skipped ? "Do not skip" : "Skip: never send it"}
      </MenuItem>
      <hr />
      <MenuItem icon="copy" keys={drawnKeysOf("c")} onClick={() => copyCells(notebook)}>
        Copy
      </MenuItem>
      <MenuItem icon="copy" keys={drawnKeysOf("x")} onClick={() => copyCells(notebook, true)}>
        Cut
      </MenuItem>
      <MenuItem icon="plus" keys={drawnKeysOf("v")} onClick={() => void pasteCopied(notebook)}>
        Paste below
      </MenuItem>
      <MenuItem icon="each" onClick={() => duplicateCells(notebook, all())}>
        Duplicate
      </MenuItem>
      <MenuItem icon="fold" keys={drawnKeysOf("f")} onClick={() => toggleFold(notebook, all(), "source")}>
        {isFolded(cell, "source") ? "Unfold the source" : "Fold the source"}
      </MenuItem>
      <MenuItem icon="fold" keys={drawnKeysOf("o")} onClick={() => toggleFold(notebook, all(), "outputs")}>
        {isFolded(cell, "outputs") ? "Unfold the answer" : "Fold the answer"}
      </MenuItem>
      <hr />
      <MenuItem icon="trash" danger keys={drawnKeysOf("d")} onClick={() => deleteCells(notebook, all())}>
        Delete
      </MenuItem>
    </MenuButton>
  );
}
