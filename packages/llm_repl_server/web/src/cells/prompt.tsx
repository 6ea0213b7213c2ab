/** A prompt: its template as prose, what it will take, what was answered. */

import { memo } from "../ui/memo.ts";
import { useMemo, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { noteOwn } from "../store/forecasts.ts";
import { FieldSentences } from "../prompt/fields.tsx";
import { StatusLine } from "../prompt/status-line.tsx";
import { answers, isToldByState, type Status } from "../store/status.ts";
import { ToCell } from "../markdown/fence.tsx";
import { OutputView, Outputs } from "../outputs/outputs.tsx";
import type { Cell, Output } from "../wire/shapes.ts";
import { AnswerLine } from "./answer-line.tsx";
import type { AnswerShape } from "./answer-shape.ts";
import { AnswerTexts } from "./answer-text.tsx";
import { ItemsTable } from "./items.tsx";
import { Source } from "./source.tsx";
import { Template } from "./template.tsx";

/** Whether an error says more than the state of its cell. */
function hasMore(output: Output): boolean {
  return (output.traceback?.length ?? 0) > 1 && !isToldByState(output.ename);
}

interface Props {
  readonly cell: Cell;
  readonly status: Status | null;
  readonly onKey: (event: KeyboardEvent) => boolean;
}

export function PromptBody({ cell, status, onKey }: Props) {
  return (
    <>
      <Ask cell={cell} onKey={onKey} />
      <PromptAnswer cell={cell} status={status} />
    </>
  );
}

/** What was answered, with its line. */
export function PromptAnswer({ cell, status }: { cell: Cell; status: Status | null }) {
  const notebook = useNotebook();
  const activity = notebook.view(cell.id).activity.value;
  const given = useMemo(() => answers(cell), [cell]);
  // One whose call waits for its place has nothing that could grow.
  const isGrowing = activity !== undefined && (activity.queued.size === 0 || Boolean(cell.for_each));
  const [shape, setShape] = useState<AnswerShape>("form");
  return (
    <>
      <AnswerLine cell={cell} status={status} activity={activity} shape={shape} onShape={setShape} />
      <Answer cell={cell} isGrowing={isGrowing} given={given} shape={shape} />
    </>
  );
}

// While a prompt is answered, its line alone is drawn again with the clock.
const Ask = memo(({ cell, onKey }: Pick<Props, "cell" | "onKey">) => {
  const notebook = useNotebook();
  return (
    <div class="ask">
      {cell.system ? (
        <p class="system">
          <span>system</span> <Template text={cell.system} cellId={cell.id} />
        </p>
      ) : null}
      <Source
        cellId={cell.id}
        text={cell.content}
        language="template"
        label="prompt"
        class="source template"
        onChange={(content) => {
          noteOwn(cell.id);
          notebook.change(cell.id, { content });
        }}
        onKey={onKey}
      >
        {cell.content ? <Template text={cell.content} cellId={cell.id} /> : <span class="hint">Ask something; {"{"} names a variable</span>}
      </Source>
      <FieldSentences cell={cell} />
      <StatusLine cell={cell} />
    </div>
  );
});

interface AnswerProps {
  readonly cell: Cell;
  readonly isGrowing: boolean;
  readonly given: readonly Output[];
  readonly shape: AnswerShape;
}

const Answer = memo(({ cell, isGrowing, given, shape }: AnswerProps) => {
  const notebook = useNotebook();
  const others = cell.outputs.filter((output) => output.type !== "llm_response");
  return (
    <ToCell.Provider
      value={(code) => notebook.create("ComputationCell", notebook.order.peek().indexOf(cell.id) + 1, { content: code })}
    >
      <div class="output answer">
        <Outputs outputs={others.filter((output) => output.type !== "error")} />
        {cell.for_each ? (
          (isGrowing || given.length > 0) && <ItemsTable cell={cell} isGrowing={isGrowing} />
        ) : (
          <AnswerTexts cell={cell} isGrowing={isGrowing} given={given} shape={shape} />
        )}
        {others.filter((output) => output.type === "error" && hasMore(output)).map((output) => (
          <OutputView output={output} />
        ))}
      </div>
    </ToCell.Provider>
  );
});
