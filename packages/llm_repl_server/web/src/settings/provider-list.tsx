/** Each provider: where its key comes from, where it is, and what came of trying it. */

import { useState } from "preact/hooks";
import { providerChanged, trials, tryProvider } from "../store/providers.ts";
import { providers } from "../store/server.ts";
import { moment, plural, seconds } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import { providersApi, type ProviderDetails } from "../wire/providers.ts";
import { RestError } from "../wire/rest.ts";
import { KeyForm, ServerForm } from "./provider-forms.tsx";

export function ProviderList() {
  const [isAdding, setAdding] = useState(false);
  return (
    <section class="with-button">
      <h2>Providers and keys</h2>
      <button class="button" aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
        <Icon name="plus" />
        Add a provider
      </button>
      <p>The page shows where a key comes from, never the key. It goes to its own provider only.</p>
      {isAdding && <ServerForm done={() => setAdding(false)} />}
      {(providers.value?.details ?? []).map((details) => (
        <ProviderRow key={details.name} details={details} />
      ))}
    </section>
  );
}

function ProviderRow({ details }: { details: ProviderDetails }) {
  const [form, setForm] = useState<"key" | "server" | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { name, key } = details;
  const isMock = details.type === "mock";
  const isInUse = providers.value?.current.type === name;

  const change = async (send: () => Promise<unknown>) => {
    try {
      await send();
      setProblem(null);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      setProblem(error.message);
    }
    await providerChanged(name);
  };
  const takesKey = !isMock && key.source !== "environment";

  return (
    <article class="provider" aria-label={name}>
      <h3>
        {name}
        {isInUse && <span class="tag">in use</span>}
        {isMock && <span class="tag">built in</span>}
        {details.is_fixed && <span class="tag">from the settings file</span>}
      </h3>
      <div class="provider-state">
        <div>
          <Icon name="key" />
          <span>
            <KeyOrigin details={details} />
          </span>
        </div>
        {details.base_url && (
          <div>
            <Icon name="out" />
            <code>{details.base_url}</code>
          </div>
        )}
        {details.is_custom && (
          <div>
            <Icon name="prompt" />
            <span>
              By default: <code>{details.default_model}</code>
            </span>
          </div>
        )}
        <Outcome details={details} />
        {problem && (
          <div class="is-wrong" role="alert">
            <Icon name="fail" />
            <span>{problem}</span>
          </div>
        )}
      </div>
      {!isMock && (
        <div class="provider-actions">
          {takesKey && (
            <button class="button" aria-expanded={form === "key"} onClick={() => setForm(form === "key" ? null : "key")}>
              {key.source === "file" ? "Replace key" : "Enter key"}
            </button>
          )}
          <button class="button" onClick={() => void tryProvider(name)}>
            Test
          </button>
          {(key.source === "file" || (details.is_custom && !details.is_fixed)) && (
            <MenuButton label={`More for ${name}`}>
              {details.is_custom && !details.is_fixed && (
                <MenuItem icon="pencil" onClick={() => setForm("server")}>
                  Change address
                </MenuItem>
              )}
              {key.source === "file" && (
                <MenuItem icon="key" danger onClick={() => void change(() => providersApi.removeKey(name))}>
                  Remove key
                </MenuItem>
              )}
              {details.is_custom && !details.is_fixed && (
                <MenuItem icon="trash" danger onClick={() => void change(() => providersApi.remove(name))}>
                  Remove {name}
                </MenuItem>
              )}
            </MenuButton>
          )}
        </div>
      )}
      {form === "key" && <KeyForm details={details} done={() => setForm(null)} />}
      {form === "server" && <ServerForm details={details} done={() => setForm(null)} />}
    </article>
  );
}

function KeyOrigin({ details: { key, type, is_custom } }: { details: ProviderDetails }) {
  if (type === "mock") return <>No key, no network, free</>;
  switch (key.source) {
    case "environment":
      return (
        <>
          Key from the environment: <code>{key.variable}</code>
        </>
      );
    case "file":
      return (
        <>
          Key from the file <code>keys.json</code>
        </>
      );
    case "none":
      if (!key.is_needed) return <>{is_custom ? "No key; enter one if it wants one" : "No key needed"}</>;
      return (
        <>
          No key yet: enter one, or set <code>{key.variable}</code>
        </>
      );
  }
}

/** What is known of whether it answers: a shape, a word and a reason. */
function Outcome({ details }: { details: ProviderDetails }) {
  const tried = trials.value.get(details.name);
  if (details.type === "mock") {
    return (
      <div class="is-right">
        <Icon name="done" />
        <span>Always works, always answers the same</span>
      </div>
    );
  }
  if (tried === null) {
    return (
      <div role="status">
        <Icon name="run" spins />
        <span>Asking it for its models</span>
      </div>
    );
  }
  if (tried?.works) {
    return (
      <div class="is-right" role="status">
        <Icon name="done" />
        <span>
          Works: {plural(tried.model_count ?? 0, "model")}, {seconds(tried.duration_s)}, tested {moment(tried.at)}
        </span>
      </div>
    );
  }
  if (tried) {
    return (
      <div class="is-wrong" role="status">
        <Icon name="fail" />
        <span>
          {tried.message} Tested {moment(tried.at)}.
        </span>
      </div>
    );
  }
  if (details.is_ready || (details.key.is_needed && details.key.source === "none")) return null;
  return (
    <div class="is-wrong">
      <Icon name="fail" />
      <span>{details.reason}</span>
    </div>
  );
}
