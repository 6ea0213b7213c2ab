/** Find and replace over all cells. Pure. */

/** What is looked through of a cell. */
export interface Source {
  readonly id: string;
  readonly content: string;
}

export interface Search {
  readonly text: string;
  readonly isRegex: boolean;
  readonly matchesCase: boolean;
}

export interface FindRequest {
  readonly cells: readonly Source[];
  readonly search: Search;
  readonly replacement: string;
}

export interface Match {
  readonly cellId: string;
  readonly from: number;
  readonly to: number;
  /** What stands in its place when it is replaced. */
  readonly replacement: string;
}

export interface Found {
  readonly matches: readonly Match[];
  /** Whether there are more than are given. */
  readonly isCut: boolean;
  /** Why it can't be looked for; null: it was. */
  readonly mistake: string | null;
}

const LIMIT = 10_000;

/** Where a text, or what an expression describes, stands in the sources of cells. */
export function find(cells: readonly Source[], search: Search, replacement: string): Found {
  if (!search.text) return { matches: [], isCut: false, mistake: null };
  let pattern: RegExp;
  try {
    const flags = `g${search.isRegex ? "mu" : ""}${search.matchesCase ? "" : "i"}`;
    pattern = new RegExp(search.isRegex ? search.text : escaped(search.text), flags);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(": ").at(-1) ?? "") : "";
    return { matches: [], isCut: false, mistake: `This is no regular expression: ${why}` };
  }
  const matches: Match[] = [];
  for (const cell of cells) {
    for (const match of cell.content.matchAll(pattern)) {
      if (!match[0]) continue; // an empty match replaces nothing, and there are any number of them
      if (matches.length === LIMIT) return { matches, isCut: true, mistake: null };
      const from = match.index;
      matches.push({
        cellId: cell.id,
        from,
        to: from + match[0].length,
        replacement: search.isRegex ? expanded(replacement, match) : replacement,
      });
    }
  }
  return { matches, isCut: false, mistake: null };
}

/** The sources of the cells with the matches replaced, by the cells' ids. */
export function replaced(cells: readonly Source[], matches: readonly Match[]): ReadonlyMap<string, string> {
  const byCell = new Map<string, Match[]>();
  for (const match of matches) {
    const own = byCell.get(match.cellId);
    if (own) own.push(match);
    else byCell.set(match.cellId, [match]);
  }
  const texts = new Map<string, string>();
  for (const cell of cells) {
    const own = byCell.get(cell.id);
    if (!own) continue;
    let text = "";
    let end = 0;
    for (const { from, to, replacement } of own) {
      text += cell.content.slice(end, from) + replacement;
      end = to;
    }
    texts.set(cell.id, text + cell.content.slice(end));
  }
  return texts;
}

/** The line of a match, in three parts: before it, it, behind it. */
export function lineOf(content: string, match: Match): readonly [string, string, string] {
  const start = Math.max(content.lastIndexOf("\n", match.from - 1) + 1, match.from - 60);
  const end = content.indexOf("\n", match.to);
  const stop = Math.min(end < 0 ? content.length : end, match.to + 60);
  return [content.slice(start, match.from), content.slice(match.from, match.to), content.slice(match.to, stop)];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** `$1`, `$<name>`, `$&` and `\n` in a replacement. */
function expanded(replacement: string, match: RegExpExecArray): string {
  return replacement.replace(/\$(?:(\d{1,2})|<([^>]+)>|(&)|(\$))|\\(n|t|\\)/g, (whole, number, name, all, dollar, escape) => {
    if (number !== undefined) return match[Number(number)] ?? "";
    if (name !== undefined) return match.groups?.[name] ?? "";
    if (all) return match[0];
    if (dollar) return "$";
    return { n: "\n", t: "\t", "\\": "\\" }[escape as string] ?? whole;
  });
}
