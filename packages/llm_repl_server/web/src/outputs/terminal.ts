/** What a terminal would show of a text: colours by ANSI codes, and places that are written anew. */

/** A colour: one of the sixteen that have names, or any as `#rrggbb`. */
export type Colour = { readonly name: string } | { readonly hex: string };

export interface Look {
  readonly ink: Colour | null;
  readonly ground: Colour | null;
  /** Of `bold`, `dim`, `italic`, `underline`, `strike`, `inverse`. */
  readonly marks: readonly string[];
}

export interface Run {
  readonly text: string;
  readonly look: Look;
}

export const PLAIN: Look = { ink: null, ground: null, marks: [] };

// CSI, OSC (titles, links; whatever they ask of a terminal is dropped), other escapes, lone controls.
const SEQUENCE =
  /\x1b\[([\d;:]*)([ -/]*[@-~])|\x1b\[[?<>=][\d;:]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\r\b\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
/** What makes the slow way needed: anything that goes back over what is there. */
const GOES_BACK = /[\r\b]|\x1b\[\d*[ABCDFGJK]/;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const MARKS: Readonly<Record<number, string>> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
/** Of what is underlined: not shown, but a colour follows it. */
const LINE_COLOUR = 58;
const MOST_UP = 1_000;

/** A text in pieces of one look each. The look may be what a text before it left. */
export function terminalRuns(raw: string, start: Look = PLAIN): readonly Run[] {
  const text = raw.includes("\r\n") ? raw.replace(/\r+\n/g, "\n") : raw;
  return GOES_BACK.test(text) ? onScreen(text, start) : inOrder(text, start);
}

/** How a text leaves the look for the text behind it. */
export function lookAfter(text: string, start: Look): Look {
  let look = start;
  for (const match of text.matchAll(/\x1b\[([\d;:]*)m/g)) look = changed(look, match[1] ?? "");
  return look;
}

function inOrder(text: string, start: Look): readonly Run[] {
  const runs: Run[] = [];
  let look = start;
  let at = 0;
  const push = (piece: string) => {
    const last = runs.at(-1);
    if (!piece) return;
    if (last?.look === look) runs[runs.length - 1] = { text: last.text + piece, look };
    else runs.push({ text: piece, look });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    if (match[0] === "\n") continue;
    push(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") look = changed(look, match[1] ?? "");
  }
  push(text.slice(at));
  return runs;
}

interface Place {
  readonly character: string;
  readonly look: Look;
}

function onScreen(text: string, start: Look): readonly Run[] {
  const rows: Place[][] = [[]];
  let row = 0;
  let column = 0;
  let look = start;
  let at = 0;
  const line = () => (rows[row] ??= []);
  const write = (piece: string) => {
    const places = line();
    for (const character of piece) {
      while (places.length < column) places.push({ character: " ", look: PLAIN });
      places[column++] = { character, look };
    }
  };
  for (const match of text.matchAll(SEQUENCE)) {
    write(text.slice(at, match.index));
    at = match.index + match[0].length;
    const number = Math.min(Number.parseInt(match[1] ?? "", 10) || 0, MOST_UP);
    const steps = Math.max(number, 1);
    switch (match[2] ?? match[0]) {
      case "m": look = changed(look, match[1] ?? ""); break;
      case "\n": row++; column = 0; line(); break;
      case "\r": column = 0; break;
      case "\b": case "D": column = Math.max(0, column - steps); break;
      case "C": column += steps; break;
      case "G": column = steps - 1; break;
      case "F": column = 0; row = Math.max(0, row - steps); break;
      case "A": row = Math.max(0, row - steps); break;
      case "B": row = Math.min(row + steps, rows.length - 1); break;
      case "J":
        if (number >= 2) { rows.length = 0; row = 0; column = 0; line(); }
        else if (number === 0) { rows.length = row + 1; line().splice(column); }
        break;
      case "K": erase(line(), column, number); break;
    }
  }
  write(text.slice(at));
  return joined(rows);
}

function erase(places: Place[], column: number, which: number): void {
  if (which === 0) places.splice(column);
  else if (which === 2) places.length = 0;
  else places.fill({ character: " ", look: PLAIN }, 0, Math.min(column + 1, places.length));
}

function joined(rows: readonly Place[][]): readonly Run[] {
  const runs: Run[] = [];
  let text = "";
  let look = PLAIN;
  rows.forEach((places, number) => {
    if (number) text += "\n";
    for (const place of places) {
      if (place.look !== look) {
        if (text) runs.push({ text, look });
        text = "";
        look = place.look;
      }
      text += place.character;
    }
  });
  if (text) runs.push({ text, look });
  return runs;
}

function changed(look: Look, parameters: string): Look {
  const codes = parameters.split(";").flatMap(inOrderOfCodes);
  let { ink, ground } = look;
  const marks = new Set(look.marks);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    const mark = MARKS[code];
    if (code === 0) {
      ink = ground = null;
      marks.clear();
    } else if (mark) marks.add(mark);
    else if (code === 22) { marks.delete("bold"); marks.delete("dim"); }
    else if (code === 23) marks.delete("italic");
    else if (code === 24) marks.delete("underline");
    else if (code === 27) marks.delete("inverse");
    else if (code === 29) marks.delete("strike");
    else if (code === 39) ink = null;
    else if (code === 49) ground = null;
    else if (code === 38 || code === 48) {
      const [colour, length] = anyColour(codes, at + 1);
      at += length;
      if (code === 38) ink = colour ?? ink;
      else ground = colour ?? ground;
    } else if (code === LINE_COLOUR) at += anyColour(codes, at + 1)[1];
    else if (code >= 30 && code <= 37) ink = named(code - 30);
    else if (code >= 40 && code <= 47) ground = named(code - 40);
    else if (code >= 90 && code <= 97) ink = named(code - 90);
    else if (code >= 100 && code <= 107) ground = named(code - 100);
  }
  return { ink, ground, marks: [...marks] };
}

/** A code with what belongs to it by colons, as semicolons have it. */
function inOrderOfCodes(group: string): readonly number[] {
  const [code = 0, ...more] = group.split(":").map((part) => Number(part) || 0);
  if (code === 4 && more[0] === 0) return [24];
  if (more.length === 0 || (code !== 38 && code !== 48 && code !== LINE_COLOUR)) return [code];
  // Red, green and blue may stand behind the number of a colour space.
  return [code, more[0] ?? 0, ...(more[0] === 2 ? more.slice(-3) : more.slice(1, 2))];
}

const named = (number: number): Colour => ({ name: NAMES[number] ?? "white" });

/** The colour behind 38, 48 or 58, and how many numbers it takes: all that follow, where it is not whole. */
function anyColour(codes: readonly number[], at: number): readonly [Colour | null, number] {
  const rest = codes.length - at;
  if (codes[at] === 5 && rest >= 2) return [indexed(codes[at + 1] ?? 0), 2];
  if (codes[at] !== 2 || rest < 4) return [null, rest];
  return [{ hex: hex(codes[at + 1], codes[at + 2], codes[at + 3]) }, 4];
}

/** One of the 256: sixteen names, a cube of six steps, greys. */
function indexed(number: number): Colour {
  if (number < 16) return named(number % 8);
  if (number >= 232) {
    const grey = 8 + (number - 232) * 10;
    return { hex: hex(grey, grey, grey) };
  }
  const step = (part: number) => (part ? 55 + part * 40 : 0);
  const cube = number - 16;
  return { hex: hex(step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6)) };
}

function hex(...parts: readonly (number | undefined)[]): string {
  return `#${parts.map((part) => Math.min(part ?? 0, 255).toString(16).padStart(2, "0")).join("")}`;
}
