/** Tables within a text: lines whose columns stand below each other only in a face of equal widths. */

export interface Run {
  readonly text: string;
  readonly isTable: boolean;
}

const LEAST_LINES = 3;
const GAP = /\S {2,}\S/;

/** The text in runs, in order: at least three lines with gaps in them are a table. */
export function runsOf(text: string): readonly Run[] {
  const runs: { text: string; lines: number; isTable: boolean }[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    const isTable = GAP.test(line);
    const last = runs.at(-1);
    if (last?.isTable === isTable) {
      last.text += line;
      last.lines += 1;
    } else {
      runs.push({ text: line, lines: 1, isTable });
    }
  }
  const joined: Run[] = [];
  for (const { text: own, lines, isTable } of runs) {
    const run = { text: own, isTable: isTable && lines >= LEAST_LINES };
    const last = joined.at(-1);
    if (last && !last.isTable && !run.isTable) joined[joined.length - 1] = { text: last.text + own, isTable: false };
    else joined.push(run);
  }
  return joined;
}
