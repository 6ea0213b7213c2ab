/** The default: who answers where neither a cell nor its notebook says it. */

import { useEffect, useState } from "preact/hooks";
import { models, readModels } from "../store/providers.ts";
import { providers, readProviders } from "../store/server.ts";
import { providersApi } from "../wire/providers.ts";
import { RestError } from "../wire/rest.ts";

export function WhoAnswers() {
  const known = providers.value;
  const type = known?.current.type ?? "mock";
  const details = known?.details.find(({ name }) => name === type);
  const [problem, setProblem] = useState<string | null>(null);
  const isReady = details?.is_ready ?? false;
  useEffect(() => {
    if (isReady && !models.peek().has(type)) void readModels(type);
  }, [type, isReady]);

  const choose = async (body: Parameters<typeof providersApi.choose>[0]) => {
    try {
      await providersApi.choose(body);
      setProblem(null);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      setProblem(error.message);
    }
    await readProviders();
  };

  return (
    <section id="models-and-keys">
      <h2>Who answers</h2>
      <p>Where neither a cell nor its notebook says it. A notebook that was recorded replays without any of these.</p>
      <div class="setting">
        <span>Provider and model</span>
        <div>
          <select
            class="input"
            aria-label="Provider"
            value={type}
            onChange={(event) => void choose({ type: event.currentTarget.value })}
          >
            {(known?.providers ?? [type]).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <input
            class="input"
            aria-label="Model"
            list="models-of-default"
            value={details?.default_model ?? ""}
            // The whole list is offered, not what fits the present name.
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) =>
              void choose({
                type,
                model: event.currentTarget.value.trim() || null,
                base_url: details?.is_custom ? null : (known?.current.base_url ?? null),
              })
            }
          />
          <datalist id="models-of-default">
            {(models.value.get(type) ?? []).map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
      </div>
      {details && !details.is_ready && (
        <p class="problem" role="status">
          {details.key.is_needed && details.key.source === "none"
            ? `${type} needs a key before it can answer: enter it below.`
            : details.reason}
        </p>
      )}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
