import assert from "node:assert/strict";
import { test } from "node:test";
import { GrowingBlocks, type Block } from "../src/markdown/blocks.ts";
import { paragraphParts } from "../src/markdown/paragraphs.ts";
import type { Piece } from "../src/markdown/parser.ts";

const ANSWER = `# Title

A paragraph
of two lines with **bold** and \`code\`.

- one
- two

  more of two

| a | b |
| - | - |
| 1 | 2 |

\`\`\`python
x = 1

y = 2
\`\`\`

Setext
======

> quoted
lazy

1. first
2. second
`;

/** What there is in blocks, as text: each with its parts, whether it has been drawn in parts or whole. */
function texts(growing: GrowingBlocks): string[] {
  const own = ({ text, node }: Piece) => `${node.name}: ${text.slice(node.from, node.to)}`;
  return growing.blocks.flat().flatMap((block) => {
    if (block.kind === "code") return [`code ${block.language}: ${block.parts.flat().join("").replace(/\n$/, "")}`];
    const { text, node } = block.kind === "whole" ? block.piece : block.first;
    const parts = block.kind === "whole" ? node.getChildren("ListItem").map((one) => ({ text, node: one })) : block.parts.flat();
    switch (node.name) {
      case "BulletList": case "OrderedList":
        return ["list of", ...parts.map(own)];
      case "Table": {
        const rows = block.kind === "whole" ? node.getChildren("TableRow").map((one) => ({ text, node: one })) : parts;
        const head = node.getChild("TableHeader");
        return ["table of", head ? own({ text, node: head }) : "", ...rows.map(own)];
      }
      case "FencedCode":
        const info = node.getChild("CodeInfo");
        const code = node.getChildren("CodeText").map((part) => text.slice(part.from, part.to)).join("");
        return [`code ${info ? text.slice(info.from, info.to) : ""}: ${code}`];
      case "Paragraph": {
        const own = block.kind === "whole" ? paragraphParts(text.slice(node.from, node.to)) : parts.map((part) => part.text.slice(0, part.node.to));
        return ["paragraph of", ...own.map((part) => part.replace(/^x /, ""))];
      }
    }
    return [own({ text, node })];
  });
}

/** A text that comes in pieces of a size, or all at once. */
function grown(text: string, size = text.length): GrowingBlocks {
  const growing = new GrowingBlocks();
  for (let end = size; end < text.length; end += size) growing.update([text.slice(0, end)], false);
  growing.update([text], true);
  return growing;
}

const rows = Array.from({ length: 100 }, (_, at) => `| ${at} |  | c |`).join("\n");
const TEXTS: Readonly<Record<string, string>> = {
  "of everything": ANSWER,
  "a list that goes on": Array.from({ length: 90 }, (_, at) => `${at + 1}. item ${at}\n   - below\n\n     more`).join("\n"),
  "a list that becomes a rule": "- one\n- two\n---\nend",
  "two lists": "- one\n- two\n* three\n* four\n1. a\n2) b",
  "a table": `before\n\n| a | b | c |\n|---|:-:|--:|\n${rows}\n\nafter`,
  "code without an end": "```js\n" + "let x = 1;\n".repeat(200),
  "code with fences in it": "````md\n```py\nx\n```\n````\nafter\n~~~\n```\n~~~",
  "one long line of code": "```\n" + "x".repeat(20_000) + "\n```\nend",
  "a long paragraph": `${"A *word* and `code` and $x$ more. ".repeat(1_000)}\nnext line\n\nend`,
  "a long word": `${"x".repeat(20_000)} end`,
  "quotes": "> a\n> - b\n>\n> c\nlazy\n\n".repeat(30),
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`a text that grows ends as the blocks of the whole, wherever it is cut: ${name}`, () => {
    const whole = texts(grown(text));
    for (const size of [1, 2, 3, 5, 7, 13, 40, 333, 5_000]) {
      if (text.length / size > 1_000 && size < 13) continue;
      assert.deepEqual(texts(grown(text, size)), whole, `in pieces of ${size}`);
    }
  });
}

test("random texts, too", () => {
  const pieces = ["- a\n", "  - b\n", "1. c\n", "\n", "\n\n", "text ", "> q\n", "```\n", "``", "| a | b |\n", "|---|---|\n", "---\n", "===\n", "# h\n", "    code\n", "*", "$x$", "[l](u)", "<b>", "$$\n"];
  let seed = 1;
  const draw = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 1 + draw(30) }, () => pieces[draw(pieces.length)]).join("");
    const whole = texts(grown(text));
    for (const size of [1, 2, 5, 17]) assert.deepEqual(texts(grown(text, size)), whole, JSON.stringify([size, text]));
  }
});

test("a finished block, item or line of code stays the same object", () => {
  const growing = new GrowingBlocks();
  growing.update(["one\n\ntwo\n\n- a\n- b\n- c"], false);
  const [first, , list] = growing.blocks.flat();
  growing.update(["one\n\ntwo\n\n- a\n- b\n- cc\n- d\n\nthree\n\nfour"], false);
  assert.equal(growing.blocks.flat()[0], first);
  const parts = (block: Block | undefined) => (block?.kind === "list" ? block.parts.flat() : []);
  assert.equal(parts(list).length, 3);
  assert.deepEqual(parts(growing.blocks.flat()[2]).slice(0, 1).map((part, at) => part === parts(list)[at]), [true]);
});

test("what a character costs does not grow with the text, whatever it is", () => {
  const shapes: Record<string, (n: number) => string> = {
    "paragraphs": (n) => "Some words of a paragraph.\n\n".repeat(n),
    "a paragraph": (n) => "Some words of a text.     ".repeat(n),
    "a list": (n) => "- some words of an item     \n".repeat(n),
    "code": (n) => `\`\`\`\n${"some = words(of, a, program)\n".repeat(n)}`,
    "a table": (n) => `| a | b |\n|---|---|\n${"| some words | of a row |\n".repeat(n)}`,
    "a quote": (n) => "> some words of a quote     \n".repeat(n),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const parsed = (text: string) => {
      let characters = 0;
      const growing = new GrowingBlocks((length) => (characters += length));
      for (let end = 20; end < text.length; end += 20) growing.update([text.slice(0, end)], false);
      return characters / text.length;
    };
    const [short, long] = [parsed(shape(200)), parsed(shape(800))];
    assert.ok(long < short * 1.5 && long < 500, `${name}: ${short} and ${long} characters parsed for each`);
  }
});

test("another text than the one before begins anew", () => {
  const growing = new GrowingBlocks();
  growing.update(["one\n\ntwo"], false);
  growing.update(["three"], true);
  assert.deepEqual(texts(growing), ["paragraph of", "three"]);
});

test("what has been forgotten is known again, and another text is taken whole", () => {
  const growing = new GrowingBlocks();
  assert.equal(growing.update(["one\n\ntwo"], true), true);
  growing.forget();
  assert.equal(growing.update(["one\n", "\ntwo"], true), false);
  assert.equal(growing.update(["one\n\ntwo\n\nthree"], true), true);
  assert.deepEqual(texts(growing), ["paragraph of", "one", "paragraph of", "two", "paragraph of", "three"]);
});
