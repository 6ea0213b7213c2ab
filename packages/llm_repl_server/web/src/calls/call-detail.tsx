/** One call: who was asked, what it took, what was sent, what came. */

import { useState } from "preact/hooks";
import { Markdown } from "../markdown/markdown.tsx";
import { useFetched } from "../inspector/fetched.ts";
import { lookedAnswer, showAnswers } from "../store/answers.ts";
import { cellOfCall, type SentRequest } from "../store/call-cell.ts";
import { closeCalls } from "../store/calls-view.ts";
import { useNotebook } from "../store/context.ts";
import { focusCell } from "../store/focus.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { count, plural, seconds, words, timeWriter } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { runCalls } from "../wire/run-calls.ts";
import type { Call, CellFields } from "../wire/shapes.ts";
import { CallName, price, tokens } from "./call-facts.tsx";

const MOST_TEXT = 4_000;
const time = timeWriter({ hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function CallDetail({ call, onClose }: { call: Call; onClose: () => void }) {
  const notebook = useNotebook();
  const { value, error } = useFetched(() => runCalls.call(call.id), [call.id, call.state]);
  const request = value?.["request"] as SentRequest | undefined;
  const asCell = request ? cellOfCall(request, `${call.provider}/${call.model}`) : null;
  const text = String(value?.["text"] ?? call.answer);
  const failure = value?.["error"] as { message?: string } | null | undefined;
  const queue = call.last_attempt_s ?? 0;
  const took = call.duration_s ?? 0;
  const first = call.first_token_s;
  const answering = first === null ? null : took - queue - first;
  return (
    <aside class="call-detail" aria-label="Call">
      <h2>
        <CallName call={call} />
        <span class="end figures quiet-text">{time(new Date(call.started_at))}</span>
        <button class="button quiet only-icon" aria-label="Close the call" onClick={onClose}>
          <Icon name="x" />
        </button>
      </h2>
      <dl class="call-pairs figures">
        <Pair name="asked">
          {call.provider}, {call.model}
          {request?.temperature != null && `, temperature ${request.temperature}`}
        </Pair>
        {call.answered_by && call.answered_by !== call.model && <Pair name="answered by">{call.answered_by}</Pair>}
        {tokens(call) && <Pair name="tokens">{`${count(call.input_tokens ?? 0)} in, ${count(call.output_tokens ?? 0)} out`}</Pair>}
        <Pair name="price">{price(call)}</Pair>
        <Pair name="ended">
          {[call.finish_reason ?? call.state, call.attempts ? plural(call.attempts, "attempt") : ""].filter(Boolean).join("; ")}
        </Pair>
      </dl>
      {call.source === "live" && took > 0 && (
        <div class="call-time figures">
          <b>{seconds(took)}</b>
          <div class="call-bar">
            <i class="bar-queue" style={{ left: "0%", width: `${(100 * queue) / took}%` }} />
            <i class="bar-first" style={{ left: `${(100 * queue) / took}%`, width: `${(100 * (first ?? 0)) / took}%` }} />
            <i class="bar-answer" style={{ left: `${(100 * (queue + (first ?? 0))) / took}%`, width: `${(100 * (answering ?? 0)) / took}%` }} />
          </div>
          <dl class="call-pairs">
            {(call.queued_s ?? 0) >= 0.05 && <Pair name="in the queue">{seconds(call.queued_s ?? 0)}</Pair>}
            {first !== null && <Pair name="until the first word">{seconds(first)}</Pair>}
            {answering !== null && answering > 0 && (
              <Pair name="answering">
                {seconds(answering)}
                {call.output_tokens && answering >= 0.05 ? `, ${count(Math.round(call.output_tokens / answering))} tokens a second` : ""}
              </Pair>
            )}
          </dl>
        </div>
      )}
      {(failure?.message || error) && (
        <p class="warning">
          <Icon name="fail" />
          {failure?.message ?? error}
        </p>
      )}
      <h3>What was sent</h3>
      {request?.messages?.map((message) => (
        <section class="message">
          <h3>{message.role}</h3>
          <LongText text={cut(typeof message.content === "string" ? message.content : JSON.stringify(message.content))} />
        </section>
      ))}
      <h3>
        What came <span class="quiet-text">{plural(words(text), "word")}</span>
      </h3>
      <div class="prose came">
        <Markdown text={cut(text)} />
      </div>
      <p class="call-acts">
        <button class="button small" disabled={!asCell} title="A new prompt that asks the same, as it was sent" onClick={() => asCell && openAsCell(notebook, call, asCell)}>
          <Icon name="arrow" />
          Open as a cell
        </button>
        {call.state === "completed" && notebook.view(call.cell_id).cell.value?.type === "PromptCell" && (
          <button class="button small" title="With the answer that is in use" disabled={!value} onClick={() => compareCall(call, value?.["original_id"])}>
            <Icon name="diff" />
            Compare
          </button>
        )}
        {notebook.view(call.cell_id).cell.value && (
          <button
            class="button small"
            onClick={() => {
              closeCalls();
              focusCell(call.cell_id);
            }}
          >
            <Icon name="prompt" />
            Go to the cell
          </button>
        )}
        <button class="button small" disabled={!value} onClick={() => void navigator.clipboard.writeText(JSON.stringify(value, null, 2))}>
          <Icon name="copy" />
          Copy as JSON
        </button>
      </p>
    </aside>
  );
}

/** A cell below the one that was asked, or at the end where that is gone. */
function openAsCell(notebook: OpenNotebook, call: Call, fields: CellFields): void {
  const order = notebook.order.peek();
  const at = order.indexOf(call.cell_id);
  const id = notebook.create("PromptCell", at < 0 ? order.length : at + 1, fields);
  closeCalls();
  focusCell(id);
}

/** The answer of a call beside the one in use; what came from the record is the answer of another call. */
function compareCall(call: Call, originalId: unknown): void {
  closeCalls();
  focusCell(call.cell_id);
  lookedAnswer.value = { cellId: call.cell_id, id: typeof originalId === "string" ? originalId : call.id };
  showAnswers(call.item);
}

const FIRST_LINES = 5;

/** A message: its first lines, and the others when one wants them. */
function LongText({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const lines = text.split("\n");
  const left = lines.length - FIRST_LINES;
  return (
    <>
      <pre>{isWhole || left <= 1 ? text : lines.slice(0, FIRST_LINES).join("\n")}</pre>
      {left > 1 && !isWhole && (
        <button class="more-lines figures" onClick={() => setWhole(true)}>
          {left} lines more
        </button>
      )}
    </>
  );
}

function Pair({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}
