/** The prompt that all are asked: its last message, with what was filled in. */

import { withCode } from "../prompt/fields.tsx";
import type { DraftPiece } from "../wire/plan.ts";

const MOST_LETTERS = 600;

export function AskedPrompt({ pieces, text }: { pieces: readonly DraftPiece[]; text: string }) {
  if (!pieces.length) return <p>{withCode(cut(text, MOST_LETTERS))}</p>;
  return (
    <p>
      {pieces.map((piece, at) =>
        piece.field === null ? (
          <span key={at}>{withCode(cut(piece.text.replace(/\s*\n\s*/g, " "), MOST_LETTERS))}</span>
        ) : (
          <b key={at} title={piece.field}>{firstLine(piece.text)}</b>
        ),
      )}
    </p>
  );
}

/** What was filled in, as far as it fits in a line. */
function firstLine(text: string): string {
  const [first = "", ...others] = text.split("\n");
  const line = cut(first, 80);
  return others.length && !line.endsWith("…") ? `${line} …` : line;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
