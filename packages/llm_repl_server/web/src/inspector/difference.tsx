/** Two answers as one text: words in prose, lines in code, each with the answer that has it. */

import { Fragment } from "preact";
import type { TextBlock, TextPart } from "../wire/answers.ts";

export function Difference({ blocks }: { blocks: readonly TextBlock[] }) {
  return (
    <div class="difference">
      {blocks.map((block, at) => (block.kind === "code" ? <Lines key={at} block={block} /> : <Words key={at} block={block} />))}
      {blocks.at(-1)?.is_cut && <p class="note">The answers go on; what follows is too long to be compared.</p>}
    </div>
  );
}

function Words({ block }: { block: TextBlock }) {
  return (
    <p>
      {block.parts.map((part, at) => (
        <Fragment key={at}>{marked(part)}</Fragment>
      ))}
    </p>
  );
}

/** A piece with its side; the signs of Markdown for bold, code and headings are drawn, not shown. */
function marked({ side, text }: TextPart) {
  const inside = text.replace(/(^|\n)[-*] /g, "$1• ").split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).map((piece, at) => {
    if (/^\*\*.+\*\*$/.test(piece)) return <b key={at}>{piece.slice(2, -2)}</b>;
    if (/^`.+`$/.test(piece)) return <code key={at}>{piece.slice(1, -1)}</code>;
    return piece;
  });
  if (side === "this") return <del>{inside}</del>;
  return side === "in_use" ? <ins>{inside}</ins> : <>{inside}</>;
}

const CLASSES = { both: "diff-line", this: "diff-line is-gone", in_use: "diff-line is-new" };

function Lines({ block }: { block: TextBlock }) {
  return (
    <div class="diff-lines" tabIndex={0}>
      {block.parts.flatMap((part, at) =>
        part.text.replace(/\n$/, "").split("\n").map((line, row) => (
          <span key={`${at} ${row}`} class={CLASSES[part.side]}>
            {line || " "}
          </span>
        )),
      )}
    </div>
  );
}
