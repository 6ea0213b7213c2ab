/** The line under a prompt: its state and the way out, its variable, when and for what, which version. */

import { useNotebook } from "../store/context.ts";
import { focused, hasFocus } from "../store/focus.ts";
import { answerCalls, editAnswer, inUse, showAnswers, stepAnswer, takeOriginal } from "../store/answers.ts";
import { withKeysOf } from "../store/key-map.ts";
import type { OpenNotebook } from "../store/notebook.ts";
import { answers, type Status } from "../store/status.ts";
import type { Activity } from "../store/state.ts";
import { count, moment, plural, seconds, spent, words } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Segments } from "../ui/segments.tsx";
import type { Cell, Output } from "../wire/shapes.ts";
import { Approvals } from "./approvals.tsx";
import { answerShape, changedWords, failedItems, itemCount, type AnswerShape } from "./answer-shape.ts";
import { StateLine } from "./state-line.tsx";

interface Props {
  readonly cell: Cell;
  readonly status: Status | null;
  readonly activity: Activity | undefined;
  readonly shape: AnswerShape;
  readonly onShape: (shape: AnswerShape) => void;
}

export function AnswerLine({ cell, status, activity, shape, onShape }: Props) {
  const given = answers(cell);
  const failed = failedItems(cell);
  const total = itemCount(cell, 0);
  const isAtRest = cell.status !== "running" && cell.status !== "queued";
  const shown = failed.length && status?.tone === "fails"
    ? { ...status, reason: [`${count(failed.length)} of ${plural(total, "item")}`] }
    : status;
  const hasResult = given.length > 0 && isAtRest && (!status?.word || status.icon === "pencil");
  return (
    <StateLine
      cellId={cell.id}
      status={cell.content || cell.status !== "idle" ? shown : null}
      variable={given[0]?.response_var ?? cell.response_var ?? ""}
      actions={
        <>
          <Approvals cell={cell} activity={activity} />
          <WaysOn cell={cell} failed={failed.length} />
        </>
      }
      hasResult={hasResult}
      result={
        hasResult && (
          <>
            <Result cell={cell} given={given} failed={failed.length} />
            {answerShape(given) !== "text" && !cell.for_each && (
              <Segments
                label="How the answer is shown"
                value={shape}
                options={[["form", "Form"], ["json", "JSON"]]}
                onChange={onShape}
              />
            )}
          </>
        )
      }
      cost={hasResult ? <Right cell={cell} given={given} /> : null}
      end={!hasResult && isAtRest && !cell.for_each ? <Versions cell={cell} /> : null}
    />
  );
}

/** What to do about an answer that failed, was refused, stopped or cut off. */
function WaysOn({ cell, failed }: { cell: Cell; failed: number }) {
  const notebook = useNotebook();
  if (cell.status === "running" || cell.status === "queued") return null;
  if (failed) {
    return (
      <button class="button quiet small" onClick={() => void notebook.runCell(cell.id, { items: "failed" })}>
        <Icon name="stale" />
        Retry {failed}
      </button>
    );
  }
  const cut = answers(cell).find((output) => output.finish_reason === "length" && !output.edited);
  if (cut && cell.status === "completed" && !cell.for_each) {
    const limit = longerLimit(cell, cut);
    return (
      <span class="says warns">
        <Icon name="warn" />
        Cut off
        <button
          class="button quiet small"
          title={`The answer reached its limit of tokens; ask again with ${count(limit.tokens)}`}
          onClick={() => askLonger(notebook, cell, limit)}
        >
          Allow {count(limit.tokens)} tokens
        </button>
      </span>
    );
  }
  return null;
}

interface Limit {
  readonly name: string;
  readonly tokens: number;
}

const LIMITS = ["max_completion_tokens", "max_output_tokens", "max_tokens"];

function longerLimit(cell: Cell, cut: Output): Limit {
  const parameters = cell.parameters ?? {};
  const name = LIMITS.find((each) => typeof parameters[each] === "number") ?? "max_tokens";
  const now = (parameters[name] as number | undefined) ?? cut.usage?.output_tokens ?? 500;
  return { name, tokens: Math.max(2 * now, 100) };
}

function askLonger(notebook: OpenNotebook, cell: Cell, limit: Limit): void {
  notebook.change(cell.id, { parameters: { ...cell.parameters, [limit.name]: limit.tokens } });
  void notebook.runCell(cell.id, { mode: "live" });
}

function Result({ cell, given, failed }: { cell: Cell; given: readonly Output[]; failed: number }) {
  const [first] = given;
  if (!first) return null;
  const name = first.response_var ?? cell.response_var ?? "";
  return (
    <span class="result">
      <code class="variable">{name}</code> <span class="quiet-text">{kindOf(cell, given, failed)}</span>
    </span>
  );
}

function kindOf(cell: Cell, given: readonly Output[], failed: number): string {
  if (cell.for_each) return `list of ${count(given.filter((output) => !output.failed).length + failed)}`;
  const last = given[given.length - 1]!;
  if (last.value === undefined) return `text, ${plural(words(last.content), "word")}`;
  const { value } = last;
  if (Array.isArray(value)) return `list of ${count(value.length)}`;
  if (value !== null && typeof value === "object") return plural(Object.keys(value).length, "field") + (last.edited ? "" : ", as asked");
  return typeof value;
}

function Right({ cell, given }: { cell: Cell; given: readonly Output[] }) {
  const notebook = useNotebook();
  // What comes with the focus stands at the left, so that what is pressed stays where it is.
  const isFocused = hasFocus(cell.id);
  const last = given[given.length - 1]!;
  return (
    <span class="answer-right" onMouseDown={keepPlace}>
      {last.edited && !cell.for_each ? (
        !isFocused && <span class="facts">{editedFacts(last)}</span>
      ) : (
        <span class="facts">{notebook.view(cell.id).isFromFile.value ? savedFacts(given, notebook.file.value !== null) : facts(given)}</span>
      )}
      {isFocused && cell.status !== "queued" && (
        <>
          {!cell.for_each && (
            <button class="button quiet small" title={withKeysOf("e", "Edit the answer")} onClick={() => editAnswer(cell)}>
              <Icon name="pencil" />
              Edit
            </button>
          )}
          <button
            class="button quiet small"
            title="Ask the model, whatever is on record"
            onClick={() => void notebook.runCell(cell.id, { mode: "live" })}
          >
            <Icon name="stale" />
            Ask again
          </button>
        </>
      )}
      {last.edited && !cell.for_each && (
        <button
          class="button quiet small"
          title={`Take the model's answer again: ${editedFacts(last)}`}
          onClick={() => void takeOriginal(notebook, cell.id, last)}
        >
          <Icon name="undo" />
          Original
        </button>
      )}
      {!cell.for_each && <Versions cell={cell} />}
    </span>
  );
}

/** A press does not focus the cell first, whose prompt would grow and move the button from below the pointer. */
function keepPlace(event: MouseEvent): void {
  event.preventDefault();
}

function Versions({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const known = inUse.value.get(cell.id);
  if (!known || known.total < 2) return null;
  const { total, number } = known;
  const step = (by: -1 | 1) => () => void stepAnswer(notebook, cell.id, by);
  return (
    <span class="versions" role="group" aria-label="Versions of the answer" onMouseDown={keepPlace}>
      <button
        class="button quiet only-icon"
        aria-label="Answer before"
        title={withKeysOf("[", "Answer before")}
        disabled={!number || number === 1}
        onClick={step(-1)}
      >
        <Icon name="left" />
      </button>
      <button
        class="button quiet small figures"
        title="All answers of this cell"
        onClick={() => {
          focused.value = cell.id;
          showAnswers(null);
        }}
      >
        {number ?? "–"} of {total}
      </button>
      <button
        class="button quiet only-icon"
        aria-label="Answer after"
        title={withKeysOf("]", "Answer after")}
        disabled={!number || number === total}
        onClick={step(1)}
      >
        <Icon name="right" />
      </button>
    </span>
  );
}

function editedFacts({ content, value, edited }: Output): string {
  const changed = value === undefined ? changedWords(edited!.original.content, content) : null;
  const what = changed === null ? "" : changed === 1 ? "one word changed, " : `${count(changed)} words changed, `;
  return what + moment(edited!.at);
}

/** Of answers that came with a notebook: when they were asked, as far as that is known here. */
function savedFacts(given: readonly Output[], isInFile: boolean): string {
  const at = lastAsked(given);
  const where = isInFile ? "saved in the file" : "saved with the notebook";
  return at ? `${where}, ${moment(at)}` : where;
}

function lastAsked(given: readonly Output[]): string | undefined {
  const calls = given.flatMap((output) => answerCalls.value.get(output.call_id ?? "") ?? []);
  return calls.map((call) => call.started_at).sort().at(-1);
}

/** When it was asked, how long it took, and for what; of several items together. */
function facts(given: readonly Output[]): string {
  const calls = given.flatMap((output) => answerCalls.value.get(output.call_id ?? "") ?? []);
  const recorded = given.filter((output) => output.source && output.source !== "live").length;
  const at = lastAsked(given);
  if (given.length > 1) {
    const asked = given.length - recorded;
    if (recorded && asked) return `${count(recorded)} from record, ${count(asked)} asked${at ? ` at ${moment(at)}` : ""}`;
  }
  const parts = [];
  const isOfMock = !recorded && given.every(({ provider }) => provider === "mock");
  if (recorded) parts.push("from record");
  if (isOfMock) parts.push("from the mock");
  if (at) parts.push(moment(at));
  const [call] = calls;
  if (!recorded && given.length === 1 && call?.duration_s != null) parts.push(seconds(call.duration_s));
  const known = calls.flatMap((each) => each.price_usd ?? []);
  if (!recorded && !isOfMock && known.length) parts.push(spent(known.reduce((sum, usd) => sum + usd, 0)));
  return parts.join(", ");
}
