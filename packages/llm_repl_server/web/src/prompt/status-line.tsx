/** The line in a prompt's block: its choices left, what the next call takes right. */

import { useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { choicesOf } from "../store/choices.ts";
import { draftOf, plan } from "../store/forecasts.ts";
import { hasFocus } from "../store/focus.ts";
import { openInspector } from "../store/inspector.ts";
import { withKeysOf } from "../store/key-map.ts";
import { isPhone } from "../store/screen.ts";
import { connection } from "../store/server.ts";
import { priceText, priceWords, takesOf, type Takes } from "../store/prices.ts";
import { watchedOf } from "../store/run-forecasts.ts";
import { reservedBy } from "../store/run-progress.ts";
import { count } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Popover } from "../ui/popover.tsx";
import type { Activity } from "../store/state.ts";
import type { CellForecast } from "../wire/plan.ts";
import type { Cell } from "../wire/shapes.ts";
import { ContextChoice, contextText } from "./context-choice.tsx";
import { ModelPicker } from "./model-picker.tsx";
import { MoreChoices } from "./more-choices.tsx";
import { withCode } from "./fields.tsx";
import { fieldCount } from "./short-form.ts";
import { TemperatureChoice } from "./temperature-choice.tsx";

export function StatusLine({ cell }: { cell: Cell }) {
  return (
    <div class={hasFocus(cell.id) ? "status-line is-open" : "status-line"}>
      {hasFocus(cell.id) ? <Buttons cell={cell} /> : <AtRest cell={cell} />}
      <Price cell={cell} />
    </div>
  );
}

function AtRest({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const inherited = choicesOf(notebook);
  return (
    <div class="choices">
      <span class={cell.model ? "choice own" : "choice"}>{shortModel(cell.model ?? inherited.model)}</span>
      {cell.temperature != null && <span class="choice own">temperature {cell.temperature}</span>}
      <span class={cell.context === undefined || cell.context === "isolated" ? "choice" : "choice own"}>
        {contextText(cell, notebook.order.value)}
      </span>
      {extras(cell).map(([icon, text]) => (
        <span class="choice own" key={text}>
          <Icon name={icon} />
          <span>{withCode(text)}</span>
        </span>
      ))}
      <span class="choice own rest">and {behindModel(cell)} more</span>
    </div>
  );
}

/** How many choices stand behind the model. */
function behindModel(cell: Cell): number {
  return 1 + extras(cell).length + (cell.temperature == null ? 0 : 1);
}

function Buttons({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const inherited = choicesOf(notebook);
  const [isUnfolded, setUnfolded] = useState(false);
  return (
    <div class="choices">
      <Popover
        label="Model"
        class={cell.model ? "choice own" : "choice"}
        panelClass="picker"
        button={
          <>
            {shortModel(cell.model ?? inherited.model)}
            <Icon name="down" />
          </>
        }
      >
        {(close) => <ModelPicker cell={cell} close={close} />}
      </Popover>
      {isPhone.value && (
        <button class="choice own" aria-expanded={isUnfolded} onClick={() => setUnfolded(!isUnfolded)}>
          {isUnfolded ? "fewer" : `and ${behindModel(cell)} more`}
          <Icon name={isUnfolded ? "left" : "right"} />
        </button>
      )}
      {(isUnfolded || !isPhone.value) && <OtherChoices cell={cell} />}
    </div>
  );
}

function OtherChoices({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  return (
    <>
      <Popover
        label="Temperature"
        class={cell.temperature != null ? "choice own" : "choice"}
        button={
          <>
            {cell.temperature != null ? `temperature ${cell.temperature}` : "temperature"}
            <Icon name="down" />
          </>
        }
      >
        {() => <TemperatureChoice cell={cell} />}
      </Popover>
      <Popover
        label="What is sent along"
        class={cell.context && cell.context !== "isolated" ? "choice own" : "choice"}
        button={
          <>
            {contextText(cell, notebook.order.value)}
            <Icon name="down" />
          </>
        }
      >
        {(close) => <ContextChoice cell={cell} close={close} />}
      </Popover>
      <Popover
        label="System text, form, tools and more"
        class={extras(cell).length ? "choice own" : "choice"}
        panelClass="more-choices"
        button={
          extras(cell).length ? (
            <>
              {extras(cell).map(([icon, text]) => (
                <span class="in-choice" key={text}>
                  <Icon name={icon} />
                  <span>{withCode(text)}</span>
                </span>
              ))}
              <Icon name="down" />
            </>
          ) : (
            <>
              <Icon name="plus" />
              system, form, tools
            </>
          )
        }
      >
        {(close) => <MoreChoices cell={cell} close={close} />}
      </Popover>
    </>
  );
}

/** What else was chosen for the prompt, with its icon. */
function extras(cell: Cell) {
  const found: ["each" | "form" | "tool" | "clip" | "sliders", string][] = [];
  if (cell.for_each) found.push(["each", `each of \`${cut(cell.for_each)}\``]);
  if (cell.schema) found.push(["form", formText(cell.schema)]);
  if (cell.tools?.length) found.push(["tool", `\`${cut(cell.tools.join(", "))}\``]);
  if (cell.attachments?.length) found.push(["clip", cut(cell.attachments.join(", "))]);
  if (cell.reasoning_effort) found.push(["sliders", `effort ${cell.reasoning_effort}`]);
  return found;
}

function formText(schema: unknown): string {
  const fields = fieldCount(schema);
  if (fields === null) return typeof schema === "string" ? `form ${cut(schema)}` : "structured answer";
  return `${count(fields)} ${fields === 1 ? "field" : "fields"}`;
}

function cut(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`;
}

/** "openai/gpt-4o" is "gpt-4o" here; the whole name stands in the picker. */
export function shortModel(model: string): string {
  return model.split("/").at(-1) || model;
}

function Price({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const { mode } = choicesOf(notebook);
  const found = draftOf(cell.id);
  const planned = plan.value?.value.cells.find((forecast) => forecast.cell_id === cell.id);
  const isOld = found ? found.isOld : (plan.value?.isOld ?? false);
  const preview = found?.value;
  const wrong =
    preview?.fields.some((field) => field.state === "unknown" || field.state === "failed") ||
    (preview?.problems.length ?? 0) > 0 ||
    (!preview && planned?.state === "stops");
  let takes: Takes | null = null;
  let tokens = "";
  if (preview) {
    takes = {
      calls: preview.calls,
      onRecord: preview.on_record,
      priceUsd: preview.price_usd,
      isBound: preview.is_bound,
      isKnown: preview.is_bound,
    };
    tokens = tokensText(preview.input_tokens, preview.output_tokens_limit * Math.max(1, preview.calls));
  } else if (planned && planned.state !== "runs" && planned.state !== "restored") {
    takes = takesOf(planned);
    if (planned.input_tokens) {
      tokens = tokensOf(planned);
    }
  }
  // Of what is free, how long it may become says nothing that counts.
  if (takes?.priceUsd === 0 && !takes.onRecord) tokens = tokens.replace(/, ≤.*/, "");
  const words = takes && !wrong ? priceWords(mode, takes) : null;
  const inRun = useRunForecast(cell);
  const isFree = planned?.state === "on_record" && !preview && mode !== "live";
  return (
    <button
      class={isOld ? "price figures is-old" : "price figures"}
      title={withKeysOf("Ctrl+i", "Show the exact request")}
      onClick={() => openInspector("request")}
    >
      <span class="unseen">Request: </span>
      {connection.value === "lost" && notebook.view(cell.id).isUnsent.value ? (
        "counted when connected"
      ) : inRun ? (
        <>
          <span class="tokens">{tokensOf(planned && planned.calls >= inRun.calls ? planned : inRun)}, </span>
          {priceText(inRun.price_usd, inRun.is_bound)}
          {inRun.price_usd && isSent(cell, notebook.view(cell.id).activity.value) ? " reserved" : ""}
        </>
      ) : wrong ? (
        <b class="fails">would not be sent</b>
      ) : words ? (
        <>
          <span class="tokens">{tokens && `${tokens}${words.price && !isFree ? ", " : ""}`}</span>
          {!isFree && words.price}
          {words.record && " "}
          {words.record && <b class={words.warns ? "warns" : undefined}>{words.record}</b>}
        </>
      ) : (
        "Request"
      )}
    </button>
  );
}

/** What it takes in the run that it is part of; undefined: in none, or it is not known. */
function useRunForecast(cell: Cell): CellForecast | undefined {
  const notebook = useNotebook();
  if (cell.status !== "running" && cell.status !== "queued") return undefined;
  return reservedBy(cell.id, notebook.runs.value, watchedOf(notebook));
}

/** Whether its calls hold of the budget what they may cost: one that waits for its place does not; of items, some may. */
function isSent(cell: Cell, activity: Activity | undefined): boolean {
  return cell.status === "running" && (!activity?.queued.size || Boolean(cell.for_each));
}

function tokensOf({ input_tokens, output_tokens_limit, calls }: CellForecast): string {
  return tokensText(input_tokens, output_tokens_limit * Math.max(1, calls));
}

function tokensText(input: number, output: number): string {
  return `≈ ${count(input)} tokens in, ≤ ${count(output)} out`;
}
