/** The versions of the focused prompt's answer, and how one differs from the one in use. */

import { useEffect, useState } from "preact/hooks";
import { inUse, lookedAnswer, shownItem, useAnswer } from "../store/answers.ts";
import { openSeveral } from "../store/asked.ts";
import { Markdown } from "../markdown/markdown.tsx";
import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { answers } from "../store/status.ts";
import { moment, plural, spent } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Segments } from "../ui/segments.tsx";
import { answersApi, type AnswerDetail, type AnswerPage, type AnswerVersion } from "../wire/answers.ts";
import type { Cell } from "../wire/shapes.ts";
import { Difference } from "./difference.tsx";
import { useFetched } from "./fetched.ts";

export function AnswersTab() {
  const notebook = useNotebook();
  const id = focused.value;
  const cell = id ? notebook.view(id).cell.value : undefined;
  if (!id || cell?.type !== "PromptCell") {
    return <p class="quiet-text">Choose a prompt to see its answers.</p>;
  }
  return <Versions key={id} cell={cell} />;
}

function Versions({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const item = cell.for_each ? shownItem.value : null;
  const [older, setOlder] = useState<readonly AnswerVersion[]>([]);
  const [before, setBefore] = useState<number | null>(null);
  const chosen = lookedAnswer.value?.cellId === cell.id ? lookedAnswer.value.id : null;
  const shown = answers(cell).map((output) => `${output.call_id}${output.edited?.id}`).join();
  const { value, error } = useFetched(
    () => answersApi.list(notebook.id, cell.id, item),
    [cell.id, item, shown, inUse.value.get(cell.id)?.total, cell.status],
    50,
  );
  useEffect(() => {
    setOlder([]);
    setBefore(null);
  }, [item, value?.version, value?.total]);
  const number = notebook.view(cell.id).index.value + 1;
  const name = answers(cell)[0]?.response_var ?? cell.response_var;
  if (!value) return <p class="quiet-text">{error ?? `Reading the answers of cell ${number}`}</p>;
  const versions = [...value.answers, ...older];
  const next = before ?? value.next;
  const readOlder = async () => {
    const page = await answersApi.list(notebook.id, cell.id, item, next);
    setOlder([...older, ...page.answers]);
    setBefore(page.next ?? 0);
  };
  const looked = versions.find((version) => version.id === chosen) ?? versions.find((version) => !version.in_use);
  return (
    <>
      <h2>
        Answers of cell {number}
        {name ? <>, <code>{name}</code></> : null}
      </h2>
      <div class="answers-ways">
        <Segments
          label="Which answers"
          value="history"
          options={WAYS}
          onChange={(way) => way !== "history" && openSeveral(cell.id, item, way)}
        />
      </div>
      {item !== null && <ItemPicker cell={cell} item={item} />}
      {versions.length ? (
        <ol class="versions-list" reversed>
          {groups(versions).map(({ version, times }) => (
            <VersionRow
              key={version.id}
              version={version}
              times={times}
              isChosen={version.id === looked?.id}
              onChoose={() => (lookedAnswer.value = { cellId: cell.id, id: version.id })}
              onUse={() => void useAnswer(notebook, cell.id, version.id, item, value.version)}
            />
          ))}
        </ol>
      ) : (
        <p class="quiet-text">No answer yet: run the cell.</p>
      )}
      {next ? (
        <button class="button small" onClick={() => void readOlder()}>
          Older answers
        </button>
      ) : null}
      {versions.length > 1 && <p class="note">{consequence(notebook.order.value, value)}</p>}
      {looked && !looked.in_use && (
        <Compared cell={cell} item={item} version={looked} used={versions.find((version) => version.in_use)} />
      )}
    </>
  );
}

const WAYS = [
  ["history", "History"],
  ["models", "Several models"],
  ["times", "Several times"],
] as const;

function consequence(order: readonly string[], page: AnswerPage): string {
  const turns = whatTurnsStale(order, page.dependents);
  return turns ? `Using another one is free: ${turns}, the rest stays on record.` : "Using another one is free.";
}

/** What another answer leaves, in words: "cell 8 turns stale"; empty: nothing. */
export function whatTurnsStale(order: readonly string[], dependents: readonly string[]): string {
  const numbers = dependents.map((id) => order.indexOf(id) + 1).filter((number) => number > 0);
  if (!numbers.length) return "";
  const shown = numbers.slice(0, 5).join(", ") + (numbers.length > 5 ? " and others" : "");
  return numbers.length === 1 ? `cell ${shown} turns stale` : `cells ${shown} turn stale`;
}

function ItemPicker({ cell, item }: { cell: Cell; item: number }) {
  const most = Math.max(0, ...answers(cell).map((output) => (output.item ?? 0) + 1));
  return (
    <div class="item-picker">
      <button
        class="button quiet only-icon"
        aria-label="Item before"
        disabled={item === 0}
        onClick={() => (shownItem.value = item - 1)}
      >
        <Icon name="left" />
      </button>
      <span class="figures">
        item {item} of {most}
      </span>
      <button
        class="button quiet only-icon"
        aria-label="Item after"
        disabled={item + 1 >= most}
        onClick={() => (shownItem.value = item + 1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}

/** Answers in a row that are alike become one row, "twice the same", but for the one in use. */
function groups(versions: readonly AnswerVersion[]): { version: AnswerVersion; times: number }[] {
  const found: { version: AnswerVersion; times: number }[] = [];
  for (const version of versions) {
    const last = found.at(-1);
    const isSame =
      last && !version.in_use && !last.version.in_use && last.version.kind === "answer" && version.kind === "answer" &&
      last.version.excerpt === version.excerpt && last.version.words === version.words &&
      last.version.model === version.model && last.version.temperature === version.temperature;
    if (isSame) last.times += 1;
    else found.push({ version, times: 1 });
  }
  return found;
}

interface RowProps {
  readonly version: AnswerVersion;
  readonly times: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly onUse: () => void;
}

function VersionRow({ version, times, isChosen, onChoose, onUse }: RowProps) {
  const who = version.kind === "edited" ? "written by you" : [version.model, version.temperature].filter((each) => each !== null).join(", ");
  const same = times === 1 ? "" : times === 2 ? ", twice the same" : `, ${times} times the same`;
  return (
    <li class={isChosen ? "is-chosen" : undefined}>
      <button class="version" aria-pressed={isChosen} title={version.excerpt} onClick={onChoose}>
        <span class="figures nn">{version.number}</span>
        <span class="figures">{version.at ? moment(version.at).replace(/, \d\d:\d\d$/, "") : "before"}</span>
        <span class="cut">{who + same}{version.finish_reason === "length" ? ", cut off" : ""}</span>
        <span class="figures">{price(version)}</span>
      </button>
      {version.in_use ? (
        <span class="now">
          <Icon name="done" />
          in use
        </span>
      ) : (
        <button class="button small" aria-label={`Use answer ${version.number}`} onClick={onUse}>
          Use
        </button>
      )}
    </li>
  );
}

function price({ kind, price_usd, provider }: AnswerVersion): string {
  if (kind === "edited") return "";
  if (price_usd === null) return provider === "mock" ? "free" : "no price known";
  return price_usd === 0 ? "free" : spent(price_usd);
}

interface ComparedProps {
  readonly cell: Cell;
  readonly item: number | null;
  readonly version: AnswerVersion;
  readonly used: AnswerVersion | undefined;
}

function Compared({ cell, item, version, used }: ComparedProps) {
  const notebook = useNotebook();
  const { value, error } = useFetched<AnswerDetail>(
    () => answersApi.show(notebook.id, cell.id, version.id, item),
    [cell.id, version.id, item, used?.id],
  );
  if (!value || value.id !== version.id) return <p class="quiet-text">{error ?? "Comparing"}</p>;
  return (
    <>
      <h2 class="compared">
        {used ? `${version.number} compared with ${used.number}, in use` : `Answer ${version.number}`}
        {used && (
          <span class="end compared-legend">
            <del>only in {version.number}</del> <ins>only in {used.number}</ins>
          </span>
        )}
      </h2>
      {value.difference.length ? (
        <Difference blocks={value.difference} />
      ) : (
        <div class="prose answer-plain">
          {value.text ? <Markdown text={value.text} /> : <span class="quiet-text">It has no text.</span>}
        </div>
      )}
      {value.asked.length > 0 && (
        <section class="message">
          <h3>What was asked differs</h3>
          {value.asked.map((change) => (
            <div key={change.path} class="diff-lines">
              {change.this !== null && <span class="diff-line is-gone">{askedWords(change.path, change.this)}</span>}
              {change.in_use !== null && <span class="diff-line is-new">{askedWords(change.path, change.in_use)}</span>}
            </div>
          ))}
        </section>
      )}
      <p class="note">{plural(version.words, "word")}</p>
    </>
  );
}

/** A part of what was asked: a message by its place, its role and its text, anything else by its path. */
function askedWords(path: string, text: string): string {
  const [, at, part] = /^messages\[(\d+)\](?:\.content)?(.*)$/.exec(path) ?? [];
  if (at === undefined || part) return `${path}: ${text}`;
  const place = `message ${Number(at) + 1}`;
  try {
    const { role, content } = JSON.parse(text) as { role?: unknown; content?: unknown };
    if (typeof role === "string" && typeof content === "string") return `${place}, ${role}: ${content}`;
  } catch {
    // It is the message's text already.
  }
  return `${place}: ${text}`;
}
