/** The answers of a prompt over items: a row each, which opens its versions and its call. */

import { memo } from "../ui/memo.ts";
import { useMemo, useState } from "preact/hooks";
import { answerCalls, editAnswer, editedAnswer, showAnswers } from "../store/answers.ts";
import { useNotebook } from "../store/context.ts";
import { focusCell } from "../store/focus.ts";
import { wholeText, type Pieces } from "../store/pieces.ts";
import { answers } from "../store/status.ts";
import { formFields } from "../prompt/short-form.ts";
import { spent } from "../ui/format.ts";
import { Scrolling } from "../ui/scrolling.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { ItemEnd } from "../wire/items.ts";
import type { Cell, Output } from "../wire/shapes.ts";
import { AnswerEditor } from "./answer-edit.tsx";
import { failedItems, itemCount, type FailedItem } from "./answer-shape.ts";
import { plain } from "./answer-form.tsx";
import { fieldsSoFar } from "./item-so-far.ts";
import { rowState, sortedByState, type RowState } from "./item-state.ts";

const MOST_ROWS = 500;
const MOST_CHARACTERS = 300;

export function ItemsTable({ cell, isGrowing }: { cell: Cell; isGrowing: boolean }) {
  const { growing, activity } = useNotebook().view(cell.id);
  const [isSorted, setSorted] = useState(false);
  const { given, failures, fields } = useMemo(() => itemsOf(cell), [cell]);
  const coming = isGrowing ? growing.value : undefined;
  const textOf = (item: number) => startOf(coming?.texts.get(String(item)));
  const underWay = isGrowing ? activity.value : undefined;
  const items = underWay?.items;
  const length = Math.max(itemCount(cell, coming?.length ?? 0), items?.total ?? 0);
  const isRunning = cell.status === "running";
  const endOf = (item: number) => items?.ends.get(String(item));
  const states = Array.from({ length }, (_, item) =>
    rowState(given.get(item), failures.get(item), isRunning
      ? { text: textOf(item), end: endOf(item), isAgain: items?.again.has(String(item)) ?? false }
      : null),
  );
  const order = isSorted ? sortedByState(states) : states.map((_, item) => item);
  return (
    <Scrolling>
      <table class="grid items">
        <thead>
          <tr>
            <th />
            <th class="asked">{itemName(cell)}</th>
            {fields.length ? fields.map((field) => <th key={field}>{field}</th>) : <th>answer</th>}
            <th aria-sort={isSorted ? "ascending" : "none"}>
              <button
                class="sort"
                title={isSorted ? "In the order of the items" : "Failed ones first"}
                onClick={() => setSorted(!isSorted)}
              >
                how
                {isSorted && <Icon name="down" />}
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          {order.slice(0, MOST_ROWS).map((item) => (
            <Row
              key={item}
              cell={cell}
              item={item}
              output={given.get(item)}
              failure={failures.get(item)}
              text={textOf(item)}
              end={endOf(item)}
              excerpt={items?.excerpts[item]}
              place={underWay?.queued.get(item)?.place}
              state={states[item]!}
              fields={fields}
            />
          ))}
        </tbody>
      </table>
      {length > MOST_ROWS && <p class="note">{length - MOST_ROWS} more rows</p>}
    </Scrolling>
  );
}

function itemsOf(cell: Cell) {
  const given = new Map(answers(cell).map((output, at) => [output.item ?? at, output]));
  const failures = new Map(failedItems(cell).map((failure) => [failure.item, failure]));
  const named = [...new Set([...given.values()].flatMap((output) => Object.keys(objectOf(output) ?? {})))];
  // Before the first one is whole, as its form says.
  const fields = named.length ? named : cell.schema ? (formFields(cell.schema) ?? []).map(({ name }) => name) : [];
  return { given, failures, fields };
}

/** As much of a text as a row has room for. */
function startOf(text: Pieces | undefined): string | undefined {
  return text && wholeText(text.slice(0, 1)).slice(0, MOST_CHARACTERS);
}

interface RowProps {
  readonly cell: Cell;
  readonly item: number;
  readonly output: Output | undefined;
  readonly failure: FailedItem | undefined;
  readonly text: string | undefined;
  /** How it ended while the others are under way. */
  readonly end: ItemEnd | undefined;
  /** What it is asked, while it has no answer. */
  readonly excerpt: string | undefined;
  /** Its place among the calls that wait. */
  readonly place: number | undefined;
  readonly state: RowState;
  readonly fields: readonly string[];
}

// With the words of an answer its row alone is drawn again.
const Row = memo(({ cell, item, output, failure, text, end, excerpt, place, state, fields }: RowProps) => {
  const notebook = useNotebook();
  const edited = editedAnswer.value;
  const isEdited = edited?.cellId === cell.id && edited.item === item;
  const value = output ? objectOf(output) : fields.length ? fieldsSoFar(text) : null;
  const columns = fields.length || 1;
  const error = failure?.error ?? end?.error;
  const isAtRest = cell.status !== "running" && cell.status !== "queued";
  const open = () => {
    focusCell(cell.id);
    showAnswers(item);
  };
  if (isEdited) {
    return (
      <tr>
        <th scope="row" class="figures">{item}</th>
        <td colSpan={columns + 2}>
          <AnswerEditor cell={cell} answer={edited} output={output} shape="form" />
        </td>
      </tr>
    );
  }
  return (
    <tr class={`item-${state}`} onDblClick={isAtRest ? () => editAnswer(cell, item) : undefined}>
      <th scope="row" class="figures">
        <button class="row-open" title={`Answers of item ${item}`} onClick={open}>
          {item}
        </button>
      </th>
      <td class="cut asked" title={output?.prompt ?? excerpt}>
        {output ? shortPrompt(cell, output) : excerpt}
      </td>
      {error && !output ? (
        <td class="cut bad" colSpan={columns} title={error}>
          {shortError(error)}
        </td>
      ) : fields.length && value ? (
        fields.map((field) =>
          field in value ? (
            <td key={field} class={cellClass(value[field])} data-name={field} title={plain(value[field])}>
              {plain(value[field])}
            </td>
          ) : (
            <td key={field} class="quiet-text">–</td>
          ),
        )
      ) : error ? (
        <td class="cut bad" colSpan={columns} title={error}>
          {shortError(error)}
        </td>
      ) : !output && fields.length ? (
        fields.map((field) => <td key={field} class="quiet-text">–</td>)
      ) : (
        <td class="cut" colSpan={columns}>
          {output?.content ?? text ?? "–"}
        </td>
      )}
      <td class="how">
        <How state={state} output={output} ename={failure?.ename ?? end?.ename} price={end?.price_usd} place={place} />
        {isAtRest && (
          <span class="row-actions">
            <button
              class="button quiet only-icon"
              aria-label={`Edit item ${item}`}
              title="Edit"
              onClick={() => editAnswer(cell, item)}
            >
              <Icon name="pencil" />
            </button>
            <button
              class="button quiet only-icon"
              aria-label={`Ask item ${item} again`}
              title="Ask again"
              onClick={() => void notebook.runCell(cell.id, { items: [item], mode: "live" })}
            >
              <Icon name="stale" />
            </button>
          </span>
        )}
      </td>
    </tr>
  );
});

const SHAPES: Readonly<Record<RowState, readonly [IconName, string]>> = {
  failed: ["fail", "no answer"],
  stopped: ["cut", "stopped"],
  again: ["run", "asked again"],
  answering: ["stream", "answering"],
  queued: ["queued", "waiting"],
  edited: ["pencil", "edited"],
  asked: ["done", ""],
  recorded: ["record", "from record"],
};

interface HowProps {
  readonly state: RowState;
  readonly output: Output | undefined;
  readonly ename: string | null | undefined;
  readonly price: number | null | undefined;
  readonly place: number | undefined;
}

function How({ state, output, ename, price, place }: HowProps) {
  const [icon, usual] = SHAPES[state];
  const word =
    state === "failed" && ename === "AnswerMisfit" ? "no fit, twice"
    : state === "queued" && place ? `place ${place}`
    : usual;
  const usd = answerCalls.value.get(output?.call_id ?? "")?.price_usd ?? price;
  const cost = state === "asked" && usd != null ? spent(usd) : "";
  return (
    <span class="how-word" title={word || "answered"}>
      <Icon name={icon} spins={state === "again"} /> {word || cost || "done"}
    </span>
  );
}

/** Of two answers that did not fit what is wrong with the first, which is whole; the title has all of it. */
function shortError(error: string): string {
  const [first = error] = (error.split(" First: ")[1] ?? error).split(" Then: ");
  return first.replace(/^The answer does not fit the schema: (?:at )?/, "");
}

/** What distinguishes the item: its prompt without what all of them begin with. */
function shortPrompt(cell: Cell, output: Output | undefined): string {
  const prompt = output?.prompt ?? "";
  const start = cell.content.split("{", 1)[0] ?? "";
  return (prompt.startsWith(start) ? prompt.slice(start.length) : prompt).slice(0, 200);
}

/** What the template inserts of an item: `item.text`. */
function itemName(cell: Cell): string {
  return /\{\s*(item\b[^{}:!]*)/.exec(cell.content)?.[1]?.trim().slice(0, 40) ?? "item";
}

/** A narrow screen shows short values and flags only. */
function cellClass(value: unknown): string {
  if (typeof value === "boolean") return "cut is-flag";
  return plain(value).length > 12 ? "cut is-long" : "cut";
}

function objectOf(output: Output): Record<string, unknown> | null {
  const { value } = output;
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
