/** A folder's files as one chooses among them. Pure. */

import type { FileEntry } from "../wire/files.ts";

/** A file or folder in the list. */
export interface Choice {
  readonly entry: FileEntry;
  /** Relative to the server's folder. */
  readonly path: string;
  /** Whether it is a folder or a notebook, and not another file. */
  readonly canOpen: boolean;
}

const RANKS: readonly RegExp[] = [/\.(llmn|ipynb)$/i, /\.(py|md)$/i];

/** Folders, then notebooks, then text that may be one, then what can't be opened; of those with the words. */
export function choices(folder: string, entries: readonly FileEntry[], filter: string): readonly Choice[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return entries
    .filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))
    .map((entry) => ({ entry, path: folder ? `${folder}/${entry.name}` : entry.name, rank: rankOf(entry) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ entry, path, rank }) => ({ entry, path, canOpen: rank <= RANKS.length }));
}

function rankOf({ kind, name }: FileEntry): number {
  if (kind === "folder") return 0;
  const at = RANKS.findIndex((rank) => rank.test(name));
  return at < 0 ? RANKS.length + 1 : at + 1;
}

/** The folder that a folder is in; null: it is the server's own. */
export function parentOf(folder: string): string | null {
  if (!folder) return null;
  const at = folder.lastIndexOf("/");
  return at < 0 ? "" : folder.slice(0, at);
}

/** The folders on the way to one, itself too: each with its path. */
export function wayTo(folder: string): readonly { readonly name: string; readonly path: string }[] {
  const names = folder ? folder.split("/") : [];
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join("/") }));
}

/** The last part of a path. */
export const fileName = (path: string) => path.slice(path.lastIndexOf("/") + 1);
