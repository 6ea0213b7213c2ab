/** Files of this machine: notebooks are opened, others are kept beside the notebooks. */

import { rest } from "../wire/rest.ts";

/** Hand the file to the server; gives the notebook's id. Nothing in it runs. */
export async function openFile(file: File): Promise<string> {
  const { id } = await rest.importNotebook(file.name, await file.text());
  return id;
}

export function isNotebook(file: File): boolean {
  return /\.(llmn|ipynb)$/i.test(file.name);
}

/** Whether it is opened as a notebook; any other file is what a notebook may be about. */
export function canOpen(file: File): boolean {
  return isNotebook(file) || /\.(py|md|html?)$/i.test(file.name);
}

/** A request holds a third more, in base64, and is bounded. */
const PIECE_BYTES = 6_000_000;

/** Keep a file beside the notebooks, a piece at a time; gives the path by which code finds it. */
export async function keepFile(file: File): Promise<string> {
  let { path } = await rest.uploadFile(file.name, await base64(file.slice(0, PIECE_BYTES), file.name), 0);
  for (let at = PIECE_BYTES; at < file.size; at += PIECE_BYTES) {
    ({ path } = await rest.uploadFile(path, await base64(file.slice(at, at + PIECE_BYTES), file.name), at));
  }
  return path;
}

async function base64(piece: Blob, name: string): Promise<string> {
  if (!piece.size) return ""; // for which browsers make an address without data
  const address = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error(`${name} can't be read.`));
    reader.readAsDataURL(piece);
  });
  return address.slice(address.indexOf(",") + 1);
}
