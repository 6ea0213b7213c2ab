/** Files that are dropped: a table becomes cells that read it and ask about it. */

import { effect } from "@preact/signals";
import { editCell, focusCell } from "../store/focus.ts";
import { beginning, beginningMetadata } from "../store/new-notebooks.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { goTo } from "../store/route.ts";
import { toast } from "../ui/toasts.tsx";
import { rest } from "../wire/rest.ts";
import { copyAll } from "./browse.tsx";
import { canOpen, isNotebook, keepFile, openFile } from "./files.ts";

/** For notebooks that are not open yet, by their ids. */
const waiting = new Map<string, readonly File[]>();

/** Files on the list of notebooks: those that are notebooks are opened, the others begin a new one. */
export async function dropOnList(files: readonly File[]): Promise<void> {
  const others = files.filter((file) => !canOpen(file));
  await copyAll(files.filter(canOpen));
  const [first] = others;
  if (!first) return;
  try {
    const name = first.name.replace(/(?!^)\.[^.]*$/, "");
    const { id } = await rest.createNotebook(name, beginningMetadata(beginning.peek()));
    waiting.set(id, others);
    goTo(id);
  } catch (error) {
    toast(`${first.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Take what waits for a notebook, once it is open. */
export function takeWaiting(notebook: OpenNotebook): void {
  const files = waiting.get(notebook.id);
  if (!waiting.delete(notebook.id) || !files) return;
  void takeFiles(notebook, files);
}

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
  // Selected, so that whoever has a question of their own just types it.
  editCell(prompt, { cursor: question.indexOf("\n"), selectedFrom: 0 });
  toast(`${path} is kept beside the notebooks.`);
  if (await lacksPandas(notebook, reader)) await readWithoutPandas(notebook, reader, path, code);
}

/** Whether a cell, which has been run, ends because its kernel has no pandas: it may be another Python. */
function lacksPandas(notebook: OpenNotebook, id: string): Promise<boolean> {
  const { cell } = notebook.view(id);
  return new Promise((resolve) => {
    const isSettled = () => !["idle", "queued", "running"].includes(cell.value?.status ?? "gone");
    const failure = () => cell.peek()?.outputs.find(({ type }) => type === "error");
    const stop = effect(() => {
      if (!isSettled()) return;
      queueMicrotask(() => stop());
      const { ename = "", evalue = "" } = failure() ?? {};
      resolve(/^(Module|Import)/.test(ename) && evalue.includes("pandas"));
    });
  });
}

/** Read the file by what every Python has, unless somebody has written something else there meanwhile. */
async function readWithoutPandas(notebook: OpenNotebook, id: string, path: string, before: string): Promise<void> {
  const { code } = await rest.readingOf(path, { pandas: "false" });
  if (code === null || notebook.view(id).cell.peek()?.content !== before) return;
  notebook.change(id, { content: code });
  await notebook.runCell(id);
  toast("The notebook’s Python has no pandas: the table is a list of rows.");
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
