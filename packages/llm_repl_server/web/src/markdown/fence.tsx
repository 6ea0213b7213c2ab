/** A block of code in a text, with what can be done with it. */

import { createContext } from "preact";
import { memo } from "../ui/memo.ts";
import { Icon } from "../ui/icon.tsx";
import { Code } from "../editor/code.tsx";
import type { Chunks } from "./chunks.ts";

/** What makes a cell of a piece of code; null: nothing does here. */
export const ToCell = createContext<((code: string) => void) | null>(null);

export interface FenceProps {
  readonly language: string;
  /** The code, in parts of some lines. */
  readonly parts: Chunks<string>;
  /** Whether more of it is coming. */
  readonly isOpen: boolean;
  /** What makes a cell of it; null: nothing does here. */
  readonly toCell: ((code: string) => void) | null;
}

export function Fence({ language, parts, isOpen, toCell }: FenceProps) {
  const isPython = ["", "python", "py", "python3"].includes(language.toLowerCase());
  const code = () => parts.flat().join("").replace(/\n$/, "");
  return (
    <>
      <div class="fence-head">
        <span>{language}</span>
        {!isOpen && (
          <button class="button quiet small" onClick={() => void navigator.clipboard.writeText(code())}>
            <Icon name="copy" />
            Copy
          </button>
        )}
        {!isOpen && toCell && isPython && (
          <button class="button quiet small" onClick={() => toCell(code())}>
            <Icon name="arrow" />
            To a cell
          </button>
        )}
      </div>
      {/* While it grows, each part has its colours for itself; they are looked at as a whole once it is there. */}
      <pre tabIndex={0}>{isOpen ? parts.map((chunk, at) => <Parts key={at} chunk={chunk} isPython={isPython} />) : drawn(code(), isPython)}</pre>
    </>
  );
}

const drawn = (code: string, isPython: boolean) => (isPython ? <Code text={code} /> : code);

const Parts = memo(({ chunk, isPython }: { chunk: readonly string[]; isPython: boolean }) => (
  <>
    {chunk.map((part, at) => (
      <Part key={at} part={part} isPython={isPython} />
    ))}
  </>
));

const Part = memo(({ part, isPython }: { part: string; isPython: boolean }) => <>{drawn(part, isPython)}</>);
