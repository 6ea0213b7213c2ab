/** A prompt: its template as prose, what it will take, what was answered. */

import { useNotebook } from "../store/context.ts";
import { fieldsOf, noteOwn } from "../store/forecasts.ts";
import { FieldSentences } from "../prompt/fields.tsx";
import { StatusLine } from "../prompt/status-line.tsx";
import { answers, isToldByState, type Status } from "../store/status.ts";
import { ToCell } from "../markdown/fence.tsx";
import { OutputView, Outputs } from "../outputs/outputs.tsx";
import { count, words } from "../ui/format.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { AnswerTexts } from "./answer-text.tsx";
import { templateParts } from "./fields.ts";
import { ItemsTable } from "./items.tsx";
import { Source } from "./source.tsx";
import { Approvals } from "./approvals.tsx";
import { StateLine } from "./state-line.tsx";

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
  const notebook = useNotebook();
  const activity = notebook.view(cell.id).activity.value;
  const given = answers(cell);
  const others = cell.outputs.filter((output) => output.type !== "llm_response");
  return (
    <>
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
          names={() => notebook.names.peek()}
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
      <StateLine
        cellId={cell.id}
        status={cell.content || cell.status !== "idle" ? status : null}
        variable={cell.response_var ?? ""}
        actions={<Approvals cell={cell} activity={activity} />}
        result={<Result cell={cell} given={given} />}
        cost={<Cost given={given} />}
      />
      <ToCell.Provider
        value={(code) => notebook.create("ComputationCell", notebook.order.peek().indexOf(cell.id) + 1, { content: code })}
      >
        <div class="output answer">
          <Outputs outputs={others.filter((output) => output.type !== "error")} />
          {cell.for_each ? (
            (activity || given.length > 0) && <ItemsTable cell={cell} texts={activity?.texts ?? []} />
          ) : (
            <AnswerTexts activity={activity} given={given} isStale={cell.stale} />
          )}
          {others.filter((output) => output.type === "error" && hasMore(output)).map((output) => (
            <OutputView output={output} />
          ))}
        </div>
      </ToCell.Provider>
    </>
  );
}

function Template({ text, cellId }: { text: string; cellId: string }) {
  const states = new Map(fieldsOf(cellId).map((field) => [field.text, field]));
  return (
    <>
      {templateParts(text).map((part) =>
        part.isField ? (
          <span class={`field is-${states.get(part.text)?.state ?? "known"}`} title={states.get(part.text)?.sentence || undefined}>
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </>
  );
}

function Result({ cell, given }: { cell: Cell; given: readonly Output[] }) {
  const [first] = given;
  if (!first || cell.status === "running") return null;
  const name = first.response_var ?? cell.response_var ?? "";
  const kind = cell.for_each
    ? `list of ${given.length}`
    : first.value === undefined
      ? `text, ${count(words(first.content))} words`
      : "structured";
  return (
    <span>
      <code class="variable">{name}</code> <span class="quiet-text">{kind}</span>
    </span>
  );
}

function Cost({ given }: { given: readonly Output[] }) {
  if (!given.length) return null;
  const recorded = given.filter((output) => output.source && output.source !== "live").length;
  const tokens = given.reduce(
    (sum, { usage }) => sum + (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0),
    0,
  );
  const parts = [];
  if (recorded) parts.push(recorded === given.length ? "from record" : `${recorded} from record`);
  if (tokens) parts.push(`${count(tokens)} tokens`);
  if (given[0]?.model) parts.push(given[0].model);
  return <>{parts.join(", ")}</>;
}
