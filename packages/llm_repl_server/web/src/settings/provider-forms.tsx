/** A key is entered; a server gets a name. Both are tried at once, so that one sees what came of it. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { providerChanged, tryProvider } from "../store/providers.ts";
import { providersApi, type ProviderDetails } from "../wire/providers.ts";
import { RestError } from "../wire/rest.ts";

interface FormProps {
  readonly verb: string;
  /** What is changed; gives the provider's name. */
  readonly send: () => Promise<string>;
  readonly done: () => void;
  readonly children: ComponentChildren;
}

function ProviderForm({ verb, send, done, children }: FormProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const name = await send();
      await providerChanged(name);
      done();
      void tryProvider(name);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      setProblem(error.message);
    }
  };
  return (
    <form
      class="provider-form"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault(); // Or the whole settings would close.
        done();
      }}
    >
      {children}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="provider-actions">
        <button class="button primary">{verb}</button>
        <button type="button" class="button quiet" onClick={done}>
          Cancel
        </button>
      </div>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly placeholder?: string;
  readonly isSecret?: boolean;
  readonly required?: boolean;
  /** The first of a form that has just opened. */
  readonly isFirst?: boolean;
}

function Field({ label, value, set, isSecret, isFirst, ...rest }: FieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (isFirst) input.current?.focus();
  }, []);
  return (
    <label>
      <span>{label}</span>
      <input
        ref={input}
        class="input"
        type={(isSecret ? "password" : "text") as "text"}
        value={value}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => set(event.currentTarget.value)}
        {...rest}
      />
    </label>
  );
}

export function KeyForm({ details: { name }, done }: { details: ProviderDetails; done: () => void }) {
  const [key, setKey] = useState("");
  const send = async () => {
    await providersApi.setKey(name, key);
    return name;
  };
  return (
    <ProviderForm verb="Save and test" send={send} done={done}>
      <Field label={`Key for ${name}`} isSecret value={key} set={setKey} required isFirst />
      <p class="note">It goes to a file on the server's machine that only its owner can read, and is never shown again.</p>
    </ProviderForm>
  );
}

export function ServerForm({ details, done }: { details?: ProviderDetails; done: () => void }) {
  const [name, setName] = useState(details?.name ?? "");
  const [address, setAddress] = useState(details?.base_url ?? "");
  const [model, setModel] = useState(details?.default_model ?? "");
  const [key, setKey] = useState("");
  const send = async () => {
    await providersApi.set(name.trim(), {
      base_url: address.trim(),
      model: model.trim() || null,
      ...(key.trim() ? { api_key: key } : {}),
    });
    return name.trim();
  };
  return (
    <ProviderForm verb="Save and test" send={send} done={done}>
      {!details && <Field label="Name" value={name} set={setName} placeholder="ollama" required isFirst />}
      <Field
        label="Address"
        value={address}
        set={setAddress}
        placeholder="http://localhost:11434/v1"
        required
        isFirst={details !== undefined}
      />
      <Field label="Model" value={model} set={setModel} placeholder="the one to use by default; else the first that it offers" />
      <Field label="Key" isSecret value={key} set={setKey} placeholder={details ? "stays as it is" : "if it wants one"} />
      <p class="note">
        <span>
          Any server that speaks OpenAI's protocol: Ollama, vLLM, llama.cpp, a gateway. In cells, its models are
          called <code>{name.trim() || "name"}/model</code>.
          {details && " With another address, the key is removed."}
        </span>
      </p>
    </ProviderForm>
  );
}
