/** A JSON value as a tree; long lists are drawn a part at a time. */

import { useState } from "preact/hooks";

const PART = 100;

export function JsonTree({ value, name }: { value: unknown; name?: string }) {
  const label = name === undefined ? null : <span class="json-key">{name}: </span>;
  if (value === null || typeof value !== "object") {
    return (
      <div class="json-leaf">
        {label}
        <span class={`json-${typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    );
  }
  return <Branch value={value} name={name} />;
}

function Branch({ value, name }: { value: object; name: string | undefined }) {
  const [shown, setShown] = useState(PART);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const brackets = isList ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details class="json-branch" open={name === undefined}>
      <summary>
        {name === undefined ? null : <span class="json-key">{name} </span>}
        <span class="quiet-text">{brackets}</span>
      </summary>
      {entries.slice(0, shown).map(([key, child]) => (
        <JsonTree key={key} name={key} value={child} />
      ))}
      {entries.length > shown && (
        <button class="button quiet small" onClick={() => setShown(shown + PART)}>
          {entries.length - shown} more
        </button>
      )}
    </details>
  );
}
