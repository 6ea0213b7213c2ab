/** Files that are dropped on a notebook: a table becomes cells that read it and ask about it. */

import { editCell, focusCell } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { goTo } from "../store/route.ts";
import { toast } from "../ui/toasts.tsx";
import { rest } from "../wire/rest.ts";
import { isNotebook, keepFile, openFile } from "./files.ts";

export async function takeFiles(notebook: OpenNotebook, files: FileList | readonly File[]): Promise<void> {
  for (const file of files) {
    try {
      await takeFile(notebook, file);
    } catch (error) {
      toast(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function takeFile(notebook: OpenNotebook, file: File): Promise<void> {
  if (isNotebook(file)) {
    goTo(await openFile(file));
    return;
  }
  const path = await keepFile(file);
  // In the place of the empty cell with which a notebook begins.
  const empty = emptyBeginning(notebook);
  const end = notebook.order.peek().length;
  const { code, notice } = await rest.readingOf(path);
  if (notice !== null) toast(notice);
  if (code === null) {
    if (notice !== null) return;
    const prompt = notebook.create("PromptCell", end, { attachments: [path] });
    editCell(prompt);
    remove(notebook, empty);
    toast(`${path} is attached to the new prompt.`);
    return;
  }
  const reader = notebook.create("ComputationCell", end, { content: code });
  const question = "What is noteworthy in this table?\n\n{table}";
  const prompt = notebook.create("PromptCell", end + 1, { content: question });
  focusCell(prompt);
  remove(notebook, empty);
  await notebook.runCell(reader);
  editCell(prompt, question.indexOf("\n"));
  toast(`${path} is kept beside the notebooks.`);
}

/** The only cell of a notebook, if nothing was written in it. */
function emptyBeginning(notebook: OpenNotebook): string | null {
  const [first, ...others] = notebook.order.peek();
  const cell = first === undefined || others.length ? undefined : notebook.view(first).cell.peek();
  return cell && !cell.content.trim() && !cell.outputs.length ? cell.id : null;
}

function remove(notebook: OpenNotebook, id: string | null): void {
  if (id !== null) notebook.edit("drop a file", [{ do: "delete", cellId: id }]);
}
