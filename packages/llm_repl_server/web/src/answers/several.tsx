/** One prompt, several answers beside each other: of several models, or of one several times. */

import { useEffect, useRef, useState } from "preact/hooks";
import { whatTurnsStale } from "../inspector/answers.tsx";
import { useFetched } from "../inspector/fetched.ts";
import { asked, askedKey, askedPrices, askModels, compared, stopAsked, type AskWay } from "../store/asked.ts";
import { alike, type AlikeColumns } from "../store/asked-columns.ts";
import { answerCalls, useAnswer } from "../store/answers.ts";
import { useNow } from "../store/clock.ts";
import { useChoices } from "../store/choices.ts";
import { useNotebook } from "../store/context.ts";
import { draftRequest } from "../store/forecasts.ts";
import { focusCell } from "../store/focus.ts";
import { offeredModels, readOffered } from "../store/offered-models.ts";
import { priceText } from "../store/prices.ts";
import { servedAt } from "../store/served-at.ts";
import { answers } from "../store/status.ts";
import { ToCell } from "../markdown/fence.tsx";
import { Markdown } from "../markdown/markdown.tsx";
import { plural, seconds, spent, words } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { answersApi } from "../wire/answers.ts";
import { planning, type DraftPiece, type DraftPreview } from "../wire/plan.ts";
import { RestError } from "../wire/rest.ts";
import type { Cell } from "../wire/shapes.ts";
import { shortModel } from "../prompt/status-line.tsx";
import { AskedPrompt } from "./asked-prompt.tsx";
import { underlineDifferences, underlineNothing } from "./underline.ts";

const MOST_MODELS = 30;
const TIMES = [2, 3, 5];

export function Several() {
  const notebook = useNotebook();
  const { cellId, item, way } = compared.value ?? { cellId: "", item: null, way: "models" };
  const cell = notebook.view(cellId).cell.value;
  useEffect(() => {
    // Before the keys of the notebook, which are for cells that are not shown now.
    const onKeyDown = (event: KeyboardEvent) => {
      // Until the next frame it still listens when one has left.
      if (compared.peek() === null || document.querySelector("dialog[open]")) return;
      if (event.key === "Escape" && !document.querySelector(".several .menu")) {
        event.preventDefault();
        event.stopPropagation();
        leave(cellId);
      } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
        event.stopPropagation();
      }
    };
    addEventListener("keydown", onKeyDown, true);
    return () => removeEventListener("keydown", onKeyDown, true);
  }, [cellId]);
  if (!cell) return null;
  return <Columns cell={cell} item={item} way={way} />;
}

function leave(cellId: string): void {
  compared.value = null;
  focusCell(cellId);
}

function Columns({ cell, item, way }: { cell: Cell; item: number | null; way: AskWay }) {
  const notebook = useNotebook();
  const inherited = useChoices(notebook);
  const offers = useOffers(cell);
  const output = answers(cell).find((one) => (one.item ?? null) === item);
  const columns = alike(asked.value.get(askedKey(cell.id, item)) ?? []).filter(
    ({ first }) => first.call_id === null || first.call_id !== output?.call_id || output?.edited,
  );
  const now = useNow(columns.some(({ first }) => first.state === "running"));
  const number = notebook.view(cell.id).index.value + 1;
  const name = output?.response_var ?? cell.response_var;
  const own = cell.model ?? inherited.model;
  const call = answerCalls.value.get(output?.call_id ?? "");
  const turns = useDependents(cell, item);
  const shown = useRef<HTMLDivElement>(null);
  const texts = [output?.call_id, ...columns.map(({ first }) => `${first.call_id} ${first.state}`)].join();
  useEffect(() => {
    if (!output) return undefined;
    // Behind the passages, which draw themselves.
    const frame = requestAnimationFrame(() => underlineDifferences(shown.current));
    return () => {
      cancelAnimationFrame(frame);
      underlineNothing();
    };
  }, [texts]);
  const ask = (models: readonly { model?: string }[], times = 1) =>
    void askModels(notebook.id, cell.id, item, models, times);
  const price = (model: string) => {
    const offer = offers?.models.find((one) => one.model === model);
    return !offer || offer.problem ? "" : priceText(offer.price_usd, offers?.is_bound ?? false);
  };
  return (
    <ToCell.Provider
      value={(code) => notebook.create("ComputationCell", notebook.order.peek().indexOf(cell.id) + 1, { content: code })}
    >
      <section class="several" aria-label="Several answers">
        <header>
          <h1>
            {way === "models" ? "Ask several models" : "Ask several times"}: cell {number}
            {name ? <>, <code>{name}</code></> : null}
          </h1>
          <span class="end">
            <MenuButton label="Several times" class="button" button={<><Icon name="stale" /> Several times</>}>
              {TIMES.map((times) => (
                <MenuItem key={times} icon="stale" keys={price("")} onClick={() => ask([{}], times)}>
                  {`${own}, ${times} times`}
                </MenuItem>
              ))}
            </MenuButton>
            <MenuButton label="Add a model" class="button" button={<><Icon name="plus" /> Add a model</>}>
              {offeredModels(notebook).slice(0, MOST_MODELS).map((model) => (
                <MenuItem key={model} icon="prompt" keys={price(model)} onClick={() => ask([{ model }])}>
                  {model}
                </MenuItem>
              ))}
            </MenuButton>
            <button class="button" title="Back to the notebook (Esc)" onClick={() => leave(cell.id)}>
              Done
            </button>
          </span>
        </header>
        <div class="several-ask">
          <Icon name="prompt" />
          <AskedPrompt pieces={ownPieces(offers, cell.id)} text={output?.prompt ?? cell.content} />
          {offers && <span class="figures">{plural(offers.input_tokens, "token")} in, the same for all</span>}
        </div>
        <div class="several-columns" tabIndex={0} ref={shown}>
          {output && (
            <article>
              <header>
                <h2 title={output.model ?? own}>{output.edited ? "Written by you" : shortModel(output.model ?? own)}</h2>
                <span class="now">
                  <Icon name="done" />
                  In use
                </span>
              </header>
              <Facts
                time={call?.duration_s != null ? seconds(call.duration_s) : "–"}
                price={call?.price_usd != null ? spent(call.price_usd) : "–"}
                text={output.content}
              />
              <div class="prose">
                <Markdown text={output.content} />
              </div>
            </article>
          )}
          {columns.map((column) => (
            <Column
              key={`${column.first.comparison} ${column.first.candidate}`}
              cell={cell}
              item={item}
              column={column}
              own={own}
              now={now}
              isPriced={offers?.models.find((one) => one.model === (column.first.model ?? ""))?.price_usd !== null}
            />
          ))}
          {!columns.length && <p class="quiet-text">Add a model, or ask the same one several times. Nothing changes until you use one.</p>}
        </div>
        <p class="note">
          {output && columns.length > 0 && "Underlined: what the answer in use does not say. "}
          Choosing another is free{turns && `, and ${turns}`}. The others stay on record.
        </p>
      </section>
    </ToCell.Provider>
  );
}

interface ColumnProps {
  readonly cell: Cell;
  readonly item: number | null;
  readonly column: AlikeColumns;
  readonly own: string;
  readonly now: number;
  /** Whether the model has a price, as far as is known. */
  readonly isPriced: boolean;
}

function Column({ cell, item, column: { first, times }, own, now, isPriced }: ColumnProps) {
  const notebook = useNotebook();
  const isRunning = first.state === "running";
  const time = isRunning ? (now - first.since) / 1000 : first.duration_s;
  const price = askedPrices.value.get(first.call_id ?? "");
  const place = servedAt(first.provider ?? (first.model ?? own).split("/")[0] ?? "");
  return (
    <article>
      <header>
        <h2 title={first.model ?? own}>{shortModel(first.model ?? own)}</h2>
        {place && <span class="quiet-text">at {place}</span>}
        {times > 1 && <span class="quiet-text">{times} alike</span>}
        {isRunning ? (
          <button class="button small end" onClick={() => void stopAsked(notebook.id, cell.id, first)}>
            <Icon name="stop" />
            Stop
          </button>
        ) : first.call_id && first.state === "completed" ? (
          <button class="button small end" onClick={() => void useAnswer(notebook, cell.id, first.call_id!, item)}>
            Use this
          </button>
        ) : null}
      </header>
      <Facts
        time={time == null ? "–" : seconds(Math.max(0, time))}
        timeWord={isRunning ? "so far" : "time"}
        price={price != null ? spent(price) : "–"}
        priceWord={price === null || (price === undefined && !isPriced) ? "no price known" : "price"}
        text={first.text}
      />
      <div class={isRunning ? "prose is-growing" : "prose"}>
        <Markdown text={first.text} isGrowing={isRunning} />
      </div>
      {first.error && (
        <p class="warning">
          <Icon name={first.state === "interrupted" ? "cut" : "fail"} />
          {first.error}
        </p>
      )}
      {first.finish_reason === "length" && (
        <p class="warning">
          <Icon name="warn" />
          Cut off at its limit of tokens
        </p>
      )}
    </article>
  );
}

interface FactsProps {
  readonly time: string;
  readonly timeWord?: string;
  readonly price: string;
  readonly priceWord?: string;
  readonly text: string;
}

function Facts({ time, timeWord = "time", price, priceWord = "price", text }: FactsProps) {
  return (
    <dl class="several-facts figures">
      <div><dd>{time}</dd><dt>{timeWord}</dt></div>
      <div><dd>{price}</dd><dt>{priceWord}</dt></div>
      <div><dd>{words(text)}</dd><dt>words</dt></div>
    </dl>
  );
}

/** The last message of the prompt itself, with what was filled in. */
function ownPieces(offers: DraftPreview | null, cellId: string): readonly DraftPiece[] {
  return offers?.messages.findLast((message) => message.cell_id === cellId && message.role !== "system")?.pieces ?? [];
}

/** What another answer leaves, in words. */
function useDependents(cell: Cell, item: number | null): string {
  const notebook = useNotebook();
  const { value } = useFetched(() => answersApi.list(notebook.id, cell.id, item), [cell.id, item, cell.version]);
  return whatTurnsStale(notebook.order.value, value?.dependents ?? []);
}

/** What the prompt would take of each model; null: not known yet. */
function useOffers(cell: Cell): DraftPreview | null {
  const notebook = useNotebook();
  const [offers, setOffers] = useState<DraftPreview | null>(null);
  const models = ["", ...offeredModels(notebook).slice(0, MOST_MODELS)];
  useEffect(() => void readOffered(), []);
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      try {
        const found = await planning.preview(notebook.id, cell.id, { ...draftRequest(cell), models }, abort.signal);
        if (!abort.signal.aborted) setOffers(found);
      } catch (error) {
        if (!abort.signal.aborted && !(error instanceof RestError)) throw error;
      }
    };
    void read();
    return () => abort.abort();
  }, [cell.version, models.join()]);
  return offers;
}
