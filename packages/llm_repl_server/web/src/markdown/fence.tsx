/** A block of code in a text, with what can be done with it. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import { Code } from "../editor/code.tsx";

/** What makes a cell of a piece of code; null: nothing does here. */
export const ToCell = createContext<((code: string) => void) | null>(null);

export function Fence({ language, code }: { language: string; code: string }) {
  const toCell = useContext(ToCell);
  const isPython = ["", "python", "py", "python3"].includes(language.toLowerCase());
  return (
    <div class="fence">
      <div class="fence-head">
        <span>{language}</span>
        <button class="button quiet small" onClick={() => void navigator.clipboard.writeText(code)}>
          <Icon name="copy" />
          Copy
        </button>
        {toCell && isPython && (
          <button class="button quiet small" onClick={() => toCell(code)}>
            <Icon name="arrow" />
            To a cell
          </button>
        )}
      </div>
      <pre>{isPython ? <Code text={code} /> : code}</pre>
    </div>
  );
}
