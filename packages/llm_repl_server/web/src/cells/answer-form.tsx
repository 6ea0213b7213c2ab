/** A structured answer: name, value, what was asked for; or as JSON. */

import { JsonTree } from "../outputs/json-tree.tsx";
import type { Output } from "../wire/shapes.ts";
import { askedFor, type AnswerShape } from "./answer-shape.ts";

interface Props {
  readonly output: Output;
  readonly schema: unknown;
  readonly shape: AnswerShape;
}

export function StructuredAnswer({ output, schema, shape }: Props) {
  const { value } = output;
  if (shape === "json" || value === null || typeof value !== "object" || Array.isArray(value)) {
    return shape === "json" ? (
      <pre class="answer-json" tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
    ) : (
      <JsonTree value={value} />
    );
  }
  const asked = askedFor(schema);
  return (
    <dl class="answer-form">
      {Object.entries(value).map(([name, held]) => (
        <div key={name}>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>{isPlain(held) ? plain(held) : isPlainList(held) ? held.map(plain).join(", ") || "–" : <JsonTree value={held} />}</dd>
          <dd class="quiet-text">{asked.get(name)}</dd>
        </div>
      ))}
    </dl>
  );
}

const isPlain = (value: unknown) => value === null || typeof value !== "object";

/** A list without lists or objects in it, short enough to be read in a line. */
function isPlainList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= 20 && value.every(isPlain);
}

export function plain(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value : JSON.stringify(value);
}
