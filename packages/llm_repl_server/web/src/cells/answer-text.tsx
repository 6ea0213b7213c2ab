/** An answer: the same view while it comes and when it is there, so that nothing of it is drawn twice. */

import { Markdown } from "../markdown/markdown.tsx";
import { editedAnswer } from "../store/answers.ts";
import type { Activity } from "../store/state.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { AnswerEditor } from "./answer-edit.tsx";
import { StructuredAnswer } from "./answer-form.tsx";
import type { AnswerShape } from "./answer-shape.ts";

interface Props {
  readonly cell: Cell;
  readonly activity: Activity | undefined;
  readonly given: readonly Output[];
  readonly shape: AnswerShape;
}

export function AnswerTexts({ cell, activity, given, shape }: Props) {
  const edited = editedAnswer.value;
  if (edited?.cellId === cell.id && !activity) {
    return <AnswerEditor key={shape} cell={cell} answer={edited} output={given[given.length - 1]} shape={shape} />;
  }
  if (activity) {
    const text = activity.texts[0] ?? "";
    return <AnswerText key={0} text={text} reasoning={activity.reasoning} isGrowing isStale={false} />;
  }
  return (
    <>
      {given.map((output, at) =>
        output.value === undefined ? (
          <AnswerText
            key={at}
            text={output.content}
            reasoning={output.reasoning ?? ""}
            isGrowing={false}
            isStale={cell.stale}
          />
        ) : (
          <div key={at} class={cell.stale ? "prose faded" : "prose"}>
            {output.reasoning ? <Reasoning text={output.reasoning} thinks={false} /> : null}
            <StructuredAnswer output={output} schema={cell.schema} shape={shape} />
          </div>
        ),
      )}
    </>
  );
}

interface TextProps {
  readonly text: string;
  readonly reasoning: string;
  readonly isGrowing: boolean;
  readonly isStale: boolean;
}

function AnswerText({ text, reasoning, isGrowing, isStale }: TextProps) {
  const classes = ["prose", isGrowing && "is-growing", isStale && "faded"].filter(Boolean).join(" ");
  const thinks = isGrowing && !text;
  return (
    <div class={classes}>
      {reasoning ? <Reasoning text={reasoning} thinks={thinks} /> : null}
      <Markdown key="text" text={text} isGrowing={isGrowing} />
    </div>
  );
}

function Reasoning({ text, thinks }: { text: string; thinks: boolean }) {
  if (thinks) return <p class="thinking">{text.slice(-400)}</p>;
  return (
    <details class="reasoning">
      <summary>Reasoning</summary>
      <Markdown text={text} />
    </details>
  );
}
