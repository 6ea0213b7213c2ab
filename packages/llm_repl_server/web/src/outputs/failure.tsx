/** An error: its sentence first, the traceback folded, and a way to the line. */

import { useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import type { Output } from "../wire/shapes.ts";
import { useShowLine } from "./lines.ts";
import { placesIn } from "./traceback.ts";
import { TerminalText } from "./terminal-text.tsx";

const MOST_SENTENCE = 2_000;

export function Failure({ output }: { output: Output }) {
  const [isOpen, setIsOpen] = useState(false);
  const traceback = (output.traceback ?? []).join("\n");
  const pieces = placesIn(traceback);
  const showLine = useShowLine(output, pieces.find((piece) => piece.place)?.place ?? undefined);
  const sentence = output.evalue ?? output.content;
  const last = pieces.findLast((piece) => piece.place && showLine(piece.place));
  const isStopped = output.ename === "KeyboardInterrupt"; // by somebody, which is no failure
  const said = [output.ename, sentence].filter(Boolean).join(": ");
  return (
    <div class={isStopped ? "failure is-stopped" : "failure"}>
      <p>
        <Icon name={isStopped ? "cut" : "fail"} />
        <span>
          <b>{isStopped ? "Stopped" : "Failed"}</b> <bdi>{cut(said)}</bdi>
        </span>
      </p>
      {(traceback.includes("\n") || sentence.length > MOST_SENTENCE) && (
        <span class="failure-line">
          <button class="button quiet small" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            <Icon name={isOpen ? "up" : "down"} />
            Traceback
          </button>
          {last?.place && (
            <button class="button quiet small" onClick={showLine(last.place) ?? undefined}>
              <Icon name="arrow" />
              Line {last.place.line}
            </button>
          )}
        </span>
      )}
      {isOpen && (
        <pre class="stream">
          {pieces.map(({ text, place }) => {
            const go = place && showLine(place);
            return go ? (
              <button class="to-line" onClick={go}>
                <TerminalText text={text} />
              </button>
            ) : (
              <TerminalText text={text} />
            );
          })}
        </pre>
      )}
    </div>
  );
}

function cut(text: string): string {
  return text.length > MOST_SENTENCE ? `${text.slice(0, MOST_SENTENCE)}…` : text;
}
