/** What the focused prompt would send: exactly this, and nothing else. */

import { useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { choicesOf } from "../store/choices.ts";
import { withCode } from "../prompt/fields.tsx";
import { draft, noteOwn } from "../store/forecasts.ts";
import { focused } from "../store/focus.ts";
import { priceText, priceWords } from "../store/prices.ts";
import { bound, count, plural, spent } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { scrolls } from "../ui/scrolls.ts";
import { toast } from "../ui/toasts.tsx";
import type { DraftField, DraftMessage, DraftPreview } from "../wire/plan.ts";
import { rest } from "../wire/rest.ts";
import type { Cell } from "../wire/shapes.ts";
import { runsOf } from "./aligned.ts";

const FOLDED_LINES = 8;

export function RequestTab() {
  const notebook = useNotebook();
  const id = focused.value;
  const cell = id ? notebook.view(id).cell.value : undefined;
  if (cell?.type !== "PromptCell") return <p class="quiet-text">Choose a prompt to see what it sends.</p>;
  return <Request cell={cell} key={cell.id} />;
}

function Request({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const found = draft.value;
  const number = notebook.view(cell.id).index.value + 1;
  const value = found?.cellId === cell.id ? found.value : null;
  if (!value) return <p class="quiet-text">{found?.error ?? `Reading what cell ${number} sends`}</p>;
  const isWhole = value.is_bound;
  return (
    <div class={found?.isOld ? "request is-old" : "request"} aria-busy={found?.isOld}>
      <h2>
        What cell {number} sends
        <span class="end quiet-text">{plural(value.message_count, "message")}</span>
      </h2>
      <p class="lead">{lead(value)}</p>
      <Sums value={value} />
      <Parts value={value} cell={cell} />
      {found?.error && <Note icon="warn" text={found.error} warns />}
      {wrong(value).map((text) => (
        <Note icon="fail" text={text} fails key={text} />
      ))}
      {value.values === "before" && (
        <Note icon="wait" text="Something runs: this is filled with the variables as they were before it." />
      )}
      {value.later.map((text) => (
        <Note icon="wait" text={text} key={text} />
      ))}
      {waiting(value.fields).map((text) => (
        <Note icon="wait" text={text} key={text} />
      ))}
      {value.fields.some((field) => field.state === "later" && field.text.includes("(")) && value.values === "now" && (
        <p class="note">
          <button
            class="button small"
            onClick={() => noteOwn(cell.id)}
          >
            Fill in what calls something
          </button>
        </p>
      )}
      {value.notices.map((text) => (
        <Note icon="info" text={text} key={text} />
      ))}
      {value.messages.map((message, at) => (
        <Message message={message} cell={cell} fields={value.fields} key={`${at} ${message.cell_id}`} />
      ))}
      {value.messages.length < value.message_count && (
        <p class="note">{count(value.message_count - value.messages.length)} more messages</p>
      )}
      <Details value={value} cell={cell} />
      {!isWhole && !wrong(value).length && <p class="note">What is not known yet may add to the price.</p>}
    </div>
  );
}

function lead(value: DraftPreview): string {
  if (value.calls > 1) return `The first of ${count(value.calls)}: one for each item.`;
  return value.is_bound ? "Exactly this, and nothing else." : "As far as it is known now.";
}

function wrong(value: DraftPreview): readonly string[] {
  const fields = value.fields.filter((field) => field.state === "unknown" || field.state === "failed");
  return [...new Set([...fields.map((field) => field.sentence), ...value.problems])];
}

function waiting(fields: readonly DraftField[]): readonly string[] {
  return [...new Set(fields.filter((field) => field.state === "later").map((field) => `${field.text}: ${field.sentence}`))];
}

function Note({ icon, text, warns, fails }: { icon: "warn" | "fail" | "wait" | "info"; text: string; warns?: boolean; fails?: boolean }) {
  return (
    <p class={`request-note ${fails ? "fails" : warns ? "warns" : ""}`}>
      <Icon name={icon} />
      <span>{withCode(text)}</span>
    </p>
  );
}

function Sums({ value }: { value: DraftPreview }) {
  const notebook = useNotebook();
  const { mode, budgetUsd } = choicesOf(notebook);
  const used = notebook.spending.value?.usd ?? 0;
  const record = priceWords(mode, {
    calls: value.calls, onRecord: value.on_record, priceUsd: value.price_usd, isBound: value.is_bound,
    isKnown: value.is_bound,
  }).record;
  const left = budgetUsd === null ? "" : `${spent(Math.max(0, budgetUsd - used))} left of $${budgetUsd.toFixed(2)}`;
  return (
    <dl class="sums figures">
      <div>
        <dd>≈ {count(value.input_tokens)}</dd>
        <dt>tokens in</dt>
      </div>
      <div>
        <dd>≤ {count(value.output_tokens_limit * Math.max(1, value.calls))}</dd>
        <dt>tokens out</dt>
      </div>
      <div>
        <dd>{priceText(value.price_usd, value.is_bound)}</dd>
        <dt>{record || left || "in all"}</dt>
      </div>
    </dl>
  );
}

/** A bar whose parts are as wide as they take tokens. */
function Parts({ value, cell }: { value: DraftPreview; cell: Cell }) {
  const notebook = useNotebook();
  const parts: { key: string; tokens: number; label: string; short: string; id: string | null; kind: string }[] = [];
  for (const message of value.messages) {
    const last = parts.at(-1);
    const isOwn = message.cell_id === cell.id && message.role !== "system";
    const number = message.cell_id ? notebook.view(message.cell_id).index.value + 1 : 0;
    const kind = message.role === "system" ? "of-system" : isOwn ? "of-prompt" : "of-cell";
    if (last && last.id === message.cell_id && last.kind === kind) last.tokens += message.tokens;
    else {
      parts.push({
        key: `${parts.length}`,
        tokens: message.tokens,
        label: kind === "of-system" ? "system" : isOwn ? "this prompt" : number ? `cell ${number}` : message.role,
        short: number && kind !== "of-system" ? String(number) : "",
        id: message.cell_id,
        kind,
      });
    }
  }
  if (value.tools_tokens) parts.push({ key: "tools", tokens: value.tools_tokens, label: "tools", short: "", id: null, kind: "of-system" });
  if (value.form_tokens) parts.push({ key: "form", tokens: value.form_tokens, label: "form", short: "", id: null, kind: "of-system" });
  const total = parts.reduce((sum, part) => sum + part.tokens, 0);
  if (!total) return null;
  const said = parts.map((part) => `${part.label} ${count(part.tokens)}`).join(", ");
  return (
    <div class="parts" role="img" aria-label={`${count(total)} tokens: ${said}`}>
      {parts.map((part) => (
        <span
          key={part.key}
          class={part.kind}
          title={`${part.label}: ≈ ${count(part.tokens)} tokens`}
          ref={(element) => element?.style.setProperty("flex-grow", String(part.tokens))}
          onClick={() => part.id && (focused.value = part.id)}
        >
          {part.tokens / total > 0.05 ? part.short : ""}
        </span>
      ))}
    </div>
  );
}

function Message({ message, cell, fields }: { message: DraftMessage; cell: Cell; fields: readonly DraftField[] }) {
  const notebook = useNotebook();
  const [open, setOpen] = useState(false);
  const isOwn = message.cell_id === cell.id;
  const source = message.cell_id && !isOwn ? notebook.view(message.cell_id).cell.value : undefined;
  const lines = message.content.split("\n");
  const more = lines.length - FOLDED_LINES;
  const isCode = source?.type === "ComputationCell" || source?.type === "MemoryCell";
  const says = isOwn
    ? message.role === "system" ? "from this prompt" : "this prompt, filled"
    : source ? SAYS[source.type] ?? "" : message.role === "system" ? "from the notebook" : "from a plugin";
  const isFolded = !open && more > 1 && !message.pieces.length;
  return (
    <section class="message">
      <h3>
        {message.role}
        {message.cell_id && (!isOwn || message.role !== "system") && <CellLink id={message.cell_id} />}
        {source?.pinned && <Icon name="pin" />}
        <span class="quiet-text">{source?.pinned ? "pinned" : says}</span>
        <span class="end figures quiet-text" title={`About ${count(message.tokens)} tokens`}>
          {count(message.tokens)}
        </span>
      </h3>
      <pre class={isCode ? "is-code" : undefined}>
        {message.pieces.length
          ? message.pieces.map((piece, at) => <Piece piece={piece} fields={fields} key={at} />)
          : <Text text={isFolded ? lines.slice(0, FOLDED_LINES).join("\n") : message.content} />}
      </pre>
      {isFolded && (
        <button class="more-lines" onClick={() => setOpen(true)}>
          {plural(more, "line")} more
        </button>
      )}
      {message.content.length < message.characters && (
        <p class="note">{count(message.characters - message.content.length)} more characters are sent</p>
      )}
      {message.attachments.map((name) => (
        <p class="note" key={name}>
          <Icon name="clip" />
          {name}
        </p>
      ))}
    </section>
  );
}

const SAYS: Readonly<Record<string, string>> = {
  MarkdownCell: "text",
  ComputationCell: "code and output",
  MemoryCell: "memory",
  PromptCell: "asked and answered above",
};

function Piece({ piece, fields }: { piece: { text: string; field: string | null }; fields: readonly DraftField[] }) {
  if (piece.field === null) return <>{piece.text}</>;
  const state = fields.find((field) => field.text === piece.field)?.state;
  if (state === "known" || state === "stale") return <b><Text text={piece.text} /></b>;
  return <span class={`field is-${state ?? "later"}`}>{piece.text}</span>;
}

function Text({ text }: { text: string }) {
  return runsOf(text).map((run, at) =>
    run.isTable ? <span class="aligned" ref={scrolls} key={at}>{run.text}</span> : <>{run.text}</>,
  );
}

function Details({ value, cell }: { value: DraftPreview; cell: Cell }) {
  const notebook = useNotebook();
  const [body, setBody] = useState<string | null>(null);
  const read = async () => {
    // As it would be sent: this one is filled as in a run.
    const preview = await rest.preview(notebook.id, cell.id, new AbortController().signal).catch((error: Error) => error);
    if (!(preview instanceof Error)) return JSON.stringify(preview.body, null, 2);
    toast(preview.message);
    return null;
  };
  const copy = async () => {
    const text = await read();
    if (text === null) return;
    await navigator.clipboard.writeText(text);
    toast("The request is copied.");
  };
  const rows: [string, string][] = [["to", [value.provider, value.model].filter(Boolean).join(", ")]];
  if (cell.temperature != null) rows.push(["temperature", String(cell.temperature)]);
  for (const [name, given] of Object.entries(cell.parameters ?? {})) rows.push([name, JSON.stringify(given)]);
  if (value.tools_tokens) rows.push(["tools", `${(cell.tools ?? []).join(", ")}: ≈ ${count(value.tools_tokens)} tokens`]);
  if (value.form_tokens) rows.push(["form", `≈ ${count(value.form_tokens)} tokens`]);
  if (value.expected_price_usd) rows.push(["expected", `≈ ${bound(value.expected_price_usd)}, as earlier answers`]);
  if (value.most_usd && value.price_usd && value.most_usd > value.price_usd) {
    rows.push(["at most", `${bound(value.most_usd)}, with all that may be asked after it`]);
  }
  if (value.shared_prefix) {
    const { tokens, saving_usd } = value.shared_prefix;
    rows.push(["seen before", `≈ ${count(tokens)} tokens${saving_usd ? `, may save ${spent(saving_usd)}` : ""}`]);
  }
  rows.push(["on record", recordText(value)]);
  return (
    <section class="message">
      <dl class="pairs">
        {rows.map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </>
        ))}
      </dl>
      <p class="row">
        <button class="button small" onClick={() => void copy()}>
          <Icon name="copy" />
          Copy as JSON
        </button>
        <button
          class="button small"
          aria-expanded={body !== null}
          onClick={() => void (body === null ? read().then(setBody) : setBody(null))}
        >
          Body as sent
        </button>
      </p>
      {body !== null && <pre class="is-code">{body}</pre>}
    </section>
  );
}

function recordText(value: DraftPreview): string {
  if (!value.is_bound) return "not known yet";
  if (!value.on_record) return "no";
  if (value.on_record >= value.calls) return value.calls > 1 ? `all ${count(value.calls)}` : "yes";
  return `${count(value.on_record)} of ${count(value.calls)}`;
}

export function CellLink({ id }: { id: string }) {
  const notebook = useNotebook();
  const number = notebook.view(id).index.value + 1;
  if (!number) return null;
  return (
    <button class="cell-link figures" title={`Go to cell ${number}`} onClick={() => (focused.value = id)}>
      {number}
    </button>
  );
}
