import assert from "node:assert/strict";
import { test } from "node:test";
import { cutText, LineCounter, partsOf } from "../src/outputs/flood.ts";
import { formsOf } from "../src/outputs/forms.ts";
import { lookAfter, PLAIN, terminalRuns } from "../src/outputs/terminal.ts";
import { cellAt } from "../src/outputs/place-cell.ts";
import { type Place, placesIn } from "../src/outputs/traceback.ts";
import { Keyed } from "../src/store/keyed.ts";
import { hasScript } from "../src/store/scripts.ts";
import { formulaIn, formulaInBlock } from "../src/markdown/math.ts";
import { parse } from "../src/markdown/parser.ts";
import type { Cell, Output } from "../src/wire/shapes.ts";

const shown = (text: string) => terminalRuns(text).map((run) => run.text).join("");

test("a terminal's text has its colours: of the sixteen, of 256, any", () => {
  assert.deepEqual(terminalRuns("\x1b[1;31mred\x1b[0m plain"), [
    { text: "red", look: { ink: { name: "red" }, ground: null, marks: ["bold"] } },
    { text: " plain", look: PLAIN },
  ]);
  const colours = terminalRuns("\x1b[38;5;208ma\x1b[48;2;1;2;300mb\x1b[38;5;250mc\x1b[97md\x1b[39;49me");
  assert.deepEqual(colours.map(({ look }) => [look.ink, look.ground]), [
    [{ hex: "#ff8700" }, null],
    [{ hex: "#ff8700" }, { hex: "#0102ff" }],
    [{ hex: "#bcbcbc" }, { hex: "#0102ff" }],
    [{ name: "white" }, { hex: "#0102ff" }],
    [null, null],
  ]);
  assert.deepEqual(lookAfter("a\x1b[3mb\x1b[4mc", PLAIN).marks, ["italic", "underline"]);
});

test("what belongs to a code by colons, a colour of a line, and what is not whole are no codes", () => {
  const looks = (codes: string) => {
    const { ink, marks } = lookAfter(`\x1b[${codes}m`, PLAIN);
    return [ink, ...marks];
  };
  assert.deepEqual(looks("38:5:196"), [{ hex: "#ff0000" }]);
  assert.deepEqual(looks("38:2:1:2:3"), [{ hex: "#010203" }]);
  assert.deepEqual(looks("38:2::1:2:3;1"), [{ hex: "#010203" }, "bold"]);
  assert.deepEqual(looks("4:3"), [null, "underline"]);
  assert.deepEqual(looks("4;1;4:0"), [null, "bold"]);
  assert.deepEqual(looks("58;2;1;3;9;31"), [{ name: "red" }]);
  assert.deepEqual(looks("58:5:1;4;59"), [null, "underline"]);
  for (const codes of ["38", "38;5", "38;2;1;4", "38;7;1"]) assert.deepEqual(looks(codes), [null]);
});

test("what goes back writes anew", () => {
  const texts: [string, string][] = [
    ["10%\r100%\nnext\r\n", "100%\nnext\n"],
    ["abc\b\bX", "aXc"],
    ["one\ntwo\x1b[1A\rONE\x1b[1B\rTWO", "ONE\nTWO"],
    ["long line\r\x1b[Kshort", "short"],
    ["a\nb\x1b[2J\x1b[Hc", "c"],
    ["a\x1b[9999999Bb\x1b[9999999Ac", "abc"],
    ["\x1b[9999Dx", "x"],
  ];
  for (const [raw, text] of texts) assert.equal(shown(raw), text, JSON.stringify(raw));
});

test("what asks something of a terminal is dropped", () => {
  assert.equal(shown("a\x1b]0;title\x07b\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\ \x1bPq\x1b\\\x1b[6n\x1b[?25l\x1bcd\x00\x07"), "ablink d");
  assert.equal(shown("\x1b]52;c;aGk="), "");
});

test("a flood is cut to its first and last lines, or characters", () => {
  const lines = Array.from({ length: 1_000 }, (_, at) => `line ${at}\n`).join("");
  const cut = cutText(lines, 1_000);
  assert.equal(cut?.head, lines.split("\n").slice(0, 20).join("\n"));
  assert.equal(cut?.tail, lines.split("\n").slice(-21).join("\n"));
  assert.equal(cut?.hiddenLines, 960);
  assert.equal(cutText("a\n".repeat(30), 30), null);
  const one = cutText("x".repeat(1_000_000), 0);
  assert.deepEqual([one?.head.length, one?.tail.length, one?.hidden], [10_000, 10_000, 980_000]);
  const parts = partsOf(`${lines}${"y".repeat(300_000)}\nend`);
  assert.equal(parts.join(""), `${lines}${"y".repeat(300_000)}\nend`);
  assert.ok(parts.every((part) => part.length <= 100_000));
});

test("lines of a text that grows are counted once", () => {
  const counter = new LineCounter();
  assert.deepEqual(["a\n", "a\nb", "a\nb\nc\n", "other\n"].map((text) => counter.count(text)), [1, 1, 3, 1]);
});

test("a traceback names places in cells", () => {
  const raw = "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 2\x1b[39m\n<ipython-input-4-ab12>:7: W\nCell In[5], line 1, in f(x)";
  const places = placesIn(raw).flatMap(({ place }) => (place ? [place] : []));
  assert.deepEqual(places.map(({ number, line }) => `${number}:${line}`), ["3:2", "4:7", "5:1"]);
  assert.equal(placesIn(raw).map(({ text }) => text).join(""), raw);
});

test("a traceback's numbers are places, or executions where its own is one", () => {
  const fields = { type: "ComputationCell", content: "", status: "error", stale: false, stale_reasons: [], pinned: false, skipped: false, metadata: {}, version: "1" } as const;
  const error: Output = { type: "error", content: "no" };
  const cell = (id: string, execution_count: number | null, outputs: readonly Output[] = []): Cell => ({ ...fields, id, execution_count, outputs });
  const find = (cells: readonly Cell[], ...numbers: [number, number]) => {
    const state = { order: cells.map(({ id }) => id), cells: Keyed.of(cells.map((one) => [one.id, one] as const)) };
    const [first, place] = numbers.map((number) => ({ number, line: 1 })) as [Place, Place];
    return cellAt(state, error, first, place)?.id ?? null;
  };
  const cells = [cell("title", null), cell("defines", 1), cell("fails", 2, [error])];
  assert.deepEqual([find(cells, 3, 3), find(cells, 3, 2), find(cells, 3, 9)], ["fails", "defines", null]);
  assert.deepEqual([find(cells, 2, 2), find(cells, 2, 1)], ["fails", "defines"]); // Jupyter's
});

const display = (data: Record<string, unknown>): Output => ({ type: "display", content: "plain", data });
const kinds = (data: Record<string, unknown>) => formsOf(display(data)).forms.map(({ kind }) => kind);

test("the form that says most comes first, and what is missing is said", () => {
  assert.deepEqual(kinds({ "text/plain": "a", "image/jpeg": "b", "image/png": ["c", "d"] }), ["picture", "picture", "text"]);
  assert.deepEqual(kinds({ "text/plain": "a", "text/latex": "$x$" }), ["formula", "text"]);
  assert.deepEqual(kinds({ "text/html": "<b>x</b>", "text/plain": "a" }), ["frame", "text"]);
  assert.deepEqual(kinds({ "application/geo+json": {}, "text/plain": "a" }), ["json", "text"]);
  assert.deepEqual(kinds({}), []);
  const plotly = formsOf(display({ "application/vnd.plotly.v1+json": {}, "text/html": "<script src='https://cdn.plot.ly/x.js'></script>", "text/plain": "Figure" }));
  assert.deepEqual(plotly.forms.map(({ kind }) => kind), ["text", "frame", "json"]);
  assert.match(plotly.note ?? "", /Plotly/);
  assert.match(formsOf(display({ "application/x-thing": "data" })).note ?? "", /application\/x-thing, which this page cannot show/);
  assert.match(formsOf(display({ "text/html": "<script src=//evil.org/a.js></script>" })).note ?? "", /from elsewhere/);
  for (const html of ['<iframe width="9" src="https://example.org/a">', '<p>x<img alt=y src=https://example.org/a />']) {
    assert.match(formsOf(display({ "text/html": html })).note ?? "", /^It shows https:\/\/example.org\/a/);
    assert.equal(hasScript(html), false);
  }
  assert.equal(formsOf(display({ "text/html": '<img src="data:image/png;base64,aa">' })).note, null);
});

test("names that every object has are no types", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    const data = JSON.parse(`{"${name}": "x", "text/plain": "a"}`) as Record<string, unknown>;
    assert.equal(formsOf(display(data)).forms[0]?.kind, "text");
  }
});

test("a drawing is a picture, unless it is more than that", () => {
  const svg = (inner: string, attributes = "") => ({ "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg"${attributes}>${inner}</svg>` });
  assert.deepEqual(kinds(svg("<circle r='1'/>")), ["picture"]);
  assert.deepEqual(kinds(svg("\ud800")), ["picture"]);
  for (const inner of ["<script>x()</script>", "<a href='javascript:x()'>", "<foreignObject/>", "<image href='x'/>"]) assert.deepEqual(kinds(svg(inner)), ["frame"]);
  assert.deepEqual(kinds(svg("", " onload='x()'")), ["frame"]);
});

test("formulas are told from prices", () => {
  const formulas = (text: string) => {
    const found: string[] = [];
    for (const block of parse(text)) {
      block.cursor().iterate(({ name, from, to }) => {
        if (name.endsWith("Math")) found.push(`${name} ${formulaIn(text.slice(from, to))}`);
      });
    }
    return found;
  };
  assert.deepEqual(formulas("$x$, \\(y\\), $$z$$ and \\[a\\]"), ["InlineMath x", "InlineMath y", "DisplayMath z", "DisplayMath a"]);
  const blocks = parse("text\n$$\nz\n+ 1\n\n- 2\n$$\nafter\n\n- \\[\n  a\n  \\]\n\n$$\nopen").map(({ name }) => name);
  assert.deepEqual(blocks, ["Paragraph", "MathBlock", "Paragraph", "BulletList", "MathBlock"]);
  assert.deepEqual(["$$\nz\n$$", "\\[a\n\\]", "$$\nopen", "$$"].map(formulaInBlock), ["\nz\n", "a\n", null, null]);
  for (const text of ["$5 and $6", "from $5-$10", "`$x$`", "\\$x$", "$ x$", "$$ $$", "$x"]) assert.deepEqual(formulas(text), [], text);
});
