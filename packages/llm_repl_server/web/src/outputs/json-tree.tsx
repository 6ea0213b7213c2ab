/** A JSON value as a tree: what is closed is not drawn, long lists and texts a part at a time. */

import { useState } from "preact/hooks";
import { count } from "../ui/format.ts";

const PART = 100;
const MOST_TEXT = 2_000;

export function JsonTree({ value, name }: { value: unknown; name?: string }) {
  if (value !== null && typeof value === "object") return <Branch value={value} name={name} />;
  return (
    <div class="json-leaf">
      {name === undefined ? null : <span class="json-key">{name}: </span>}
      <Leaf value={value} />
    </div>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [isWhole, setIsWhole] = useState(false);
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  const isCut = !isWhole && text.length > MOST_TEXT;
  return (
    <>
      <bdi class={`json-${value === null ? "null" : typeof value}`}>{isCut ? `${text.slice(0, MOST_TEXT)}…` : text}</bdi>
      {isCut && (
        <button class="button quiet small" onClick={() => setIsWhole(true)}>
          {count(text.length - MOST_TEXT)} characters more
        </button>
      )}
    </>
  );
}

function Branch({ value, name }: { value: object; name: string | undefined }) {
  const [isOpen, setIsOpen] = useState(name === undefined);
  const [shown, setShown] = useState(PART);
  const isList = Array.isArray(value);
  const keys = isList ? null : Object.keys(value);
  const size = isList ? value.length : keys?.length ?? 0;
  const entries = () =>
    isList
      ? value.slice(0, shown).map((child: unknown, at) => [String(at), child] as const)
      : (keys ?? []).slice(0, shown).map((key) => [key, (value as Record<string, unknown>)[key]] as const);
  return (
    <details
      class="json-branch"
      open={isOpen}
      onToggle={(event) => {
        if (event.target === event.currentTarget) setIsOpen(event.currentTarget.open);
      }}
    >
      <summary>
        {name === undefined ? null : <bdi class="json-key">{name} </bdi>}
        <span class="quiet-text">{isList ? `[${size}]` : `{${size}}`}</span>
      </summary>
      {isOpen && entries().map(([key, child]) => <JsonTree key={key} name={key} value={child} />)}
      {isOpen && size > shown && (
        <button class="button quiet small" onClick={() => setShown(shown + PART)}>
          {count(size - shown)} more
        </button>
      )}
    </details>
  );
}
