/** An answer: the same view while it comes and when it is there, so that nothing of it is drawn twice. */

import { Markdown } from "../markdown/markdown.tsx";
import { JsonTree } from "../outputs/json-tree.tsx";
import type { Activity } from "../store/state.ts";
import type { Output } from "../wire/shapes.ts";

interface Props {
  readonly activity: Activity | undefined;
  readonly given: readonly Output[];
  readonly isStale: boolean;
}

export function AnswerTexts({ activity, given, isStale }: Props) {
  if (activity) {
    const text = activity.texts[0] ?? "";
    return <AnswerText key={0} text={text} reasoning={activity.reasoning} isGrowing isStale={false} value={undefined} />;
  }
  return (
    <>
      {given.map(({ content, reasoning = "", value }, at) => (
        <AnswerText key={at} text={content} reasoning={reasoning} isGrowing={false} isStale={isStale} value={value} />
      ))}
    </>
  );
}

interface TextProps {
  readonly text: string;
  readonly reasoning: string;
  readonly isGrowing: boolean;
  readonly isStale: boolean;
  readonly value: unknown;
}

function AnswerText({ text, reasoning, isGrowing, isStale, value }: TextProps) {
  const classes = ["prose", isGrowing && "is-growing", isStale && "faded"].filter(Boolean).join(" ");
  const thinks = isGrowing && !text;
  return (
    <div class={classes}>
      {reasoning ? <Reasoning text={reasoning} thinks={thinks} /> : null}
      {value !== null && typeof value === "object" ? (
        <JsonTree value={value} />
      ) : (
        <Markdown key="text" text={text} isGrowing={isGrowing} />
      )}
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
