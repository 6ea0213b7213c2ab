/** An answer: the same view while it comes and when it is there, so that nothing of it is drawn twice. */

import { Markdown } from "../markdown/markdown.tsx";
import { editedAnswer } from "../store/answers.ts";
import { useNotebook } from "../store/context.ts";
import { NO_TEXT, wholeText, type Pieces } from "../store/pieces.ts";
import type { Growing } from "../store/state.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { AnswerEditor } from "./answer-edit.tsx";
import { StructuredAnswer } from "./answer-form.tsx";
import type { AnswerShape } from "./answer-shape.ts";

interface Props {
  readonly cell: Cell;
  /** Whether it is being answered. */
  readonly isGrowing: boolean;
  readonly given: readonly Output[];
  readonly shape: AnswerShape;
}

export function AnswerTexts({ cell, isGrowing, given, shape }: Props) {
  const edited = editedAnswer.value;
  if (edited?.cellId === cell.id && !isGrowing) {
    return <AnswerEditor key={shape} cell={cell} answer={edited} output={given[given.length - 1]} shape={shape} />;
  }
  // The first is the view of the one that grew.
  const shown = isGrowing ? [null] : given;
  return (
    <>
      {shown.map((output, at) =>
        !output || output.value === undefined ? (
          <AnswerText key={at} cellId={cell.id} output={output} />
        ) : (
          <div key={at} class="prose">
            {output.reasoning ? <Reasoning text={[output.reasoning]} thinks={false} /> : null}
            <StructuredAnswer output={output} schema={cell.schema} shape={shape} />
          </div>
        ),
      )}
    </>
  );
}

interface TextProps {
  readonly cellId: string;
  /** Null: it is the one that comes. */
  readonly output: Output | null;
}

/** The only view that is drawn again with the words of an answer. */
function AnswerText({ cellId, output }: TextProps) {
  const growing = useNotebook().view(cellId).growing;
  const { text, reasoning } = output ? piecesOf(output) : comingOf(growing.value);
  const isGrowing = output === null;
  const thinks = isGrowing && !text.length;
  return (
    <div class={isGrowing ? "prose is-growing" : "prose"}>
      {reasoning.length ? <Reasoning text={reasoning} thinks={thinks} /> : null}
      <Markdown key="text" text={text} isGrowing={isGrowing} />
    </div>
  );
}

const piecesOf = ({ content, reasoning }: Output) => ({ text: [content], reasoning: reasoning ? [reasoning] : NO_TEXT });

const comingOf = (growing: Growing | undefined) => ({
  text: growing?.texts.get("0") ?? NO_TEXT,
  reasoning: growing?.reasoning ?? NO_TEXT,
});

const THOUGHT = 400;

function Reasoning({ text, thinks }: { text: Pieces; thinks: boolean }) {
  if (thinks) return <p class="thinking">{wholeText(text.slice(-2)).slice(-THOUGHT)}</p>;
  return (
    <details class="reasoning">
      <summary>Reasoning</summary>
      <Markdown text={text} />
    </details>
  );
}
