/** Three texts become one: what only one side changed is taken, and of both where both did. Pure. */

/** A piece of the old text that gives way to another. */
interface Hunk {
  readonly from: number;
  readonly to: number;
  readonly by: readonly string[];
}

/** A part of a text beside an older one. */
export interface Part {
  readonly kind: "same" | "added" | "gone";
  readonly text: string;
}

export interface Merged {
  readonly text: string;
  /** Whether nowhere both sides changed the same. */
  readonly isClean: boolean;
}

/** The table for the comparison has at most as many fields; what is longer is compared by lines. */
const TABLE_LIMIT = 4_000_000;

const words = (text: string) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
const lines = (text: string) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

/** What of a text is new beside an older one, and what is gone. */
export function parts(before: string, after: string): readonly Part[] {
  const [cut, old, next] = tokens([before, after]);
  if (!cut || !old || !next) return [];
  const found: Part[] = [];
  const add = (kind: Part["kind"], pieces: readonly string[]) => {
    if (pieces.length) found.push({ kind, text: pieces.join("") });
  };
  let at = 0;
  for (const hunk of hunks(old, next)) {
    add("same", old.slice(at, hunk.from));
    add("gone", old.slice(hunk.from, hunk.to));
    add("added", hunk.by);
    at = hunk.to;
  }
  add("same", old.slice(at));
  return found;
}

/** The text with the changes of both sides; where both changed the same place, mine stands before theirs. */
export function merge(base: string, mine: string, theirs: string): Merged {
  const [, old = [], here = [], there = []] = tokens([base, mine, theirs]);
  const left = [...hunks(old, here)];
  const right = [...hunks(old, there)];
  const merged: string[] = [];
  let isClean = true;
  let at = 0;
  while (left.length || right.length) {
    const group = nextGroup(left, right);
    merged.push(...old.slice(at, group.from));
    const mineHere = applied(old, group.mine, group.from, group.to);
    const theirsHere = applied(old, group.theirs, group.from, group.to);
    if (!group.theirs.length || mineHere.join("") === theirsHere.join("")) {
      merged.push(...mineHere);
    } else if (!group.mine.length || isWithin(mineHere, theirsHere)) {
      merged.push(...theirsHere);
    } else if (isWithin(theirsHere, mineHere)) {
      merged.push(...mineHere);
    } else {
      isClean = false;
      merged.push(...mineHere, ...separator(mineHere, theirsHere), ...theirsHere);
    }
    at = group.to;
  }
  merged.push(...old.slice(at));
  return { text: merged.join(""), isClean };
}

/**
 * Whether one side has what the other has, and more: it went on from there, as where an edit is sent
 * again whose answer was lost.
 */
function isWithin(less: readonly string[], more: readonly string[]): boolean {
  const isWord = (piece: string) => /\S/.test(piece);
  const words = less.slice(less.findIndex(isWord), less.findLastIndex(isWord) + 1);
  if (!words.some(isWord)) return false;
  return more.some((_, at) => words.every((piece, further) => more[at + further] === piece));
}

/** The hunks of both sides that touch each other, taken from the front of the lists. */
function nextGroup(left: Hunk[], right: Hunk[]) {
  const mine: Hunk[] = [];
  const theirs: Hunk[] = [];
  const from = Math.min(left[0]?.from ?? Infinity, right[0]?.from ?? Infinity);
  let to = from;
  for (let grew = true; grew; ) {
    grew = false;
    for (const [list, taken] of [[left, mine], [right, theirs]] as const) {
      while (list[0] && list[0].from <= to) {
        const hunk = list.shift();
        if (!hunk) break;
        taken.push(hunk);
        to = Math.max(to, hunk.to);
        grew = true;
      }
    }
  }
  return { from, to, mine, theirs };
}

function applied(old: readonly string[], list: readonly Hunk[], from: number, to: number): readonly string[] {
  const result: string[] = [];
  let at = from;
  for (const hunk of list) {
    result.push(...old.slice(at, hunk.from), ...hunk.by);
    at = hunk.to;
  }
  result.push(...old.slice(at, to));
  return result;
}

function separator(before: readonly string[], after: readonly string[]): readonly string[] {
  const first = before.at(-1) ?? "";
  if (!first || !after.length || /\s$/.test(first) || /^\s/.test(after[0] ?? "")) return [];
  return [" "];
}

/** The texts in pieces of one kind: words, or lines where words would be too many. */
function tokens(texts: readonly string[]): [(text: string) => readonly string[], ...(readonly string[])[]] {
  const byWords = texts.map(words);
  const longest = Math.max(...byWords.map((list) => list.length));
  const cut = longest * longest <= TABLE_LIMIT * 4 ? words : lines;
  return [cut, ...texts.map(cut)];
}

/** What changed from one list to another: by the longest sequence that both have. */
function hunks(old: readonly string[], next: readonly string[]): readonly Hunk[] {
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start++;
  let end = 0;
  while (end < old.length - start && end < next.length - start && old.at(-1 - end) === next.at(-1 - end)) end++;
  const a = old.slice(start, old.length - end);
  const b = next.slice(start, next.length - end);
  if (!a.length && !b.length) return [];
  if (!a.length || !b.length || a.length * b.length > TABLE_LIMIT) {
    return [{ from: start, to: start + a.length, by: b }];
  }
  return [...compared(a, b)].map((hunk) => ({ ...hunk, from: hunk.from + start, to: hunk.to + start }));
}

function* compared(a: readonly string[], b: readonly string[]): Generator<Hunk> {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
    }
  }
  let [i, j, from, by] = [0, 0, 0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      if (from < i || by < j) yield { from, to: i, by: b.slice(by, j) };
      from = ++i;
      by = ++j;
    } else if ((common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0)) i++;
    else j++;
  }
  if (from < a.length || by < b.length) yield { from, to: a.length, by: b.slice(by) };
}
