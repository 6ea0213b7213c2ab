/** Text of a terminal: colours by ANSI codes, and lines that `\r` writes anew. */

export interface Run {
  readonly text: string;
  readonly classes: string;
}

const SEQUENCE = /\x1b\[([\d;]*)m|\x1b\[[\d;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** A text in pieces of one look each. */
export function terminalRuns(raw: string): readonly Run[] {
  const text = rewritten(raw);
  const runs: Run[] = [];
  const look = { bold: false, colour: "" };
  let at = 0;
  const push = (piece: string) => {
    if (piece) runs.push({ text: piece, classes: [look.bold ? "bold" : "", look.colour].filter(Boolean).join(" ") });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    push(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] === undefined) continue;
    for (const code of match[1].split(";").map(Number)) {
      if (code === 0) Object.assign(look, { bold: false, colour: "" });
      else if (code === 1) look.bold = true;
      else if (code === 22) look.bold = false;
      else if (code === 39) look.colour = "";
      else if (code >= 30 && code <= 37) look.colour = `ansi-${COLOURS[code - 30]}`;
      else if (code >= 90 && code <= 97) look.colour = `ansi-${COLOURS[code - 90]}`;
    }
  }
  push(text.slice(at));
  return runs;
}

/** What a terminal would show of lines that go back to their start. */
function rewritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text
    .replace(/\r\n/g, "\n")
    .split("\n")
    .map((line) => line.split("\r").reduce((shown, part) => part + shown.slice(part.length)))
    .join("\n");
}

export function TerminalText({ text }: { text: string }) {
  return (
    <>
      {terminalRuns(text).map((run) => (run.classes ? <span class={run.classes}>{run.text}</span> : run.text))}
    </>
  );
}
