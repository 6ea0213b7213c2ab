/** Who answers, with which key; and how the page looks. */

import { useState } from "preact/hooks";
import { providers, readProviders } from "../store/server.ts";
import { theme, type Theme } from "../store/theme.ts";
import { rest, RestError } from "../wire/rest.ts";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function SettingsForm() {
  const current = providers.value?.current;
  const [type, setType] = useState(current?.type ?? "mock");
  const [model, setModel] = useState(current?.model ?? "");
  const [address, setAddress] = useState("");
  const [key, setKey] = useState("");
  const [said, setSaid] = useState<{ text: string; isError: boolean } | null>(null);

  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await rest.chooseProvider({
        type,
        ...(model ? { model } : {}),
        ...(address ? { base_url: address } : {}),
        ...(key ? { api_key: key } : {}),
      });
      await readProviders();
      setKey("");
      setSaid({ text: "Saved. Prompts without a model of their own are answered by it.", isError: false });
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      setSaid({ text: error.message, isError: true });
    }
  };

  return (
    <form class="form" onSubmit={(event) => void save(event)}>
      <h3>Who answers</h3>
      <label>
        <span>Provider</span>
        <select class="input" value={type} onChange={(event) => setType(event.currentTarget.value)}>
          {(providers.value?.providers ?? [type]).map((name) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        <span>Model</span>
        <input class="input" value={model} placeholder="the provider's own choice" onInput={(event) => setModel(event.currentTarget.value)} />
      </label>
      <label>
        <span>Address</span>
        <input class="input" value={address} placeholder="the provider's own; or any server that speaks its protocol" onInput={(event) => setAddress(event.currentTarget.value)} />
      </label>
      <label>
        <span>Key</span>
        <input class="input" type="password" autocomplete="off" value={key} placeholder="stays as it is" onInput={(event) => setKey(event.currentTarget.value)} />
      </label>
      <p class="note">A key goes to a file on the server's machine that only you can read, and is never shown again.</p>
      {said && (
        <p class={said.isError ? "warning" : "note"} role="status">
          {said.text}
        </p>
      )}
      <button class="button primary">Save</button>
      <h3>Theme</h3>
      <div class="segments" role="radiogroup" aria-label="Theme">
        {THEMES.map(([value, word]) => (
          <button type="button" role="radio" aria-checked={theme.value === value} onClick={() => (theme.value = value)}>
            {word}
          </button>
        ))}
      </div>
    </form>
  );
}
