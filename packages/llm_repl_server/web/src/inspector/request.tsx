/** What the focused prompt would send: exactly this, and nothing else. */

import { useNotebook } from "../store/context.ts";
import { focused } from "../store/focus.ts";
import { bound, count, plural } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { rest } from "../wire/rest.ts";
import { useFetched } from "./fetched.ts";

const AFTER_TYPING_MS = 300;

export function RequestTab() {
  const notebook = useNotebook();
  const id = focused.value;
  const cell = id ? notebook.view(id).cell.value : undefined;
  if (!id || cell?.type !== "PromptCell") {
    return <p class="quiet-text">Choose a prompt to see what it sends.</p>;
  }
  return <Request id={id} />;
}

function Request({ id }: { id: string }) {
  const notebook = useNotebook();
  const view = notebook.view(id);
  const cell = view.cell.value;
  const { value, error, isOld } = useFetched(
    async (signal) => {
      await notebook.outbox.flush();
      return rest.preview(notebook.id, id, signal);
    },
    [id, cell?.content, cell?.version, cell?.model, notebook.state.value?.metadata],
    AFTER_TYPING_MS,
  );
  const number = view.index.value + 1;
  if (!value) return <p class="quiet-text">{error ?? `Reading what cell ${number} sends`}</p>;
  const approximately = value.tokens_are_exact ? "" : "≈ ";
  return (
    <div class={isOld ? "is-old" : undefined}>
      <h2>
        What cell {number} sends
        <span class="end quiet-text">{plural(value.messages.length, "message")}</span>
      </h2>
      <p class="lead">Exactly this, and nothing else{value.calls > 1 ? `, ${count(value.calls)} times` : ""}.</p>
      {error && (
        <p class="warning">
          <Icon name="warn" />
          {error}
        </p>
      )}
      <dl class="sums figures">
        <div>
          <dd>{approximately + count(value.input_tokens)}</dd>
          <dt>tokens in</dt>
        </div>
        <div>
          <dd>≤ {count(value.output_tokens_limit)}</dd>
          <dt>tokens out</dt>
        </div>
        <div>
          <dd>{value.price_usd === null ? "no price known" : `≤ ${bound(value.price_usd)}`}</dd>
          <dt>in all</dt>
        </div>
      </dl>
      {value.notices.map((notice) => (
        <p class="warning">
          <Icon name="warn" />
          {notice}
        </p>
      ))}
      {value.messages.map((message) => (
        <section class="message">
          <h3>
            {message.role}
            {message.cell_id && <CellLink id={message.cell_id} />}
          </h3>
          <pre>{message.content}</pre>
          {message.attachments.map((name) => (
            <p class="note">
              <Icon name="clip" />
              {name}
            </p>
          ))}
        </section>
      ))}
      <dl class="pairs">
        <dt>to</dt>
        <dd>
          {value.provider}, {value.model}
        </dd>
      </dl>
    </div>
  );
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
