/** A template as it is read: prose, with its fields and its code marked. Its text stays what was typed. */

import { codeSpans, isParagraphGap } from "../editor/template-look.ts";
import { fieldsOf } from "../store/forecasts.ts";
import { templateLines, templateParts, type TemplatePart } from "./fields.ts";

export function Template({ text, cellId }: { text: string; cellId: string }) {
  const states = new Map(fieldsOf(cellId).map((field) => [field.text, field]));
  const lines = templateLines(text);
  const drawn = (part: TemplatePart) =>
    part.isField ? (
      <span class={`field is-${states.get(part.text)?.state ?? "known"}`} title={states.get(part.text)?.sentence || undefined}>
        {part.text}
      </span>
    ) : (
      <Words text={part.text} />
    );
  if (lines.length === 1) return <>{lines[0]?.map(drawn)}</>;
  const textOf = (at: number) => lines[at]?.map((part) => part.text).join("");
  return (
    <>
      {lines.map((line, at) => (
        <div class={isParagraphGap(textOf(at - 1), textOf(at) ?? "", textOf(at + 1)) ? "template-gap" : undefined}>
          {line.map(drawn)}
          {at < lines.length - 1 ? "\n" : line.length ? "" : <br />}
        </div>
      ))}
    </>
  );
}

/** A piece of a template on its own: of its fields nothing is known. */
export function PlainTemplate({ text }: { text: string }) {
  const drawn = (paragraph: string) =>
    templateParts(paragraph).map((part) => (part.isField ? <span class="field">{part.text}</span> : <Words text={part.text} />));
  return (
    <>
      {text.split("\n\n").map((paragraph, at) => (
        <>
          {at > 0 && <span class="template-break" />}
          {drawn(paragraph)}
        </>
      ))}
    </>
  );
}

function Words({ text }: { text: string }) {
  return (
    <>
      {codeSpans(text).map((span) =>
        span.isCode ? (
          <>
            <span class="tick" aria-hidden="true">`</span>
            <code>{span.text.slice(1, -1)}</code>
            <span class="tick" aria-hidden="true">`</span>
          </>
        ) : (
          span.text
        ),
      )}
    </>
  );
}
