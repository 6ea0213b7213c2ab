/** A first notebook, beside the list: what it holds, and that it needs no key. */

import { openDialog } from "../store/dialog.ts";
import { Icon } from "../ui/icon.tsx";
import { openExample } from "./example.ts";

export function FirstMinute() {
  return (
    <aside class="example">
      <h2>Your first minute</h2>
      <p>A variable, a prompt that uses it, a structured answer, and two prompts at once.</p>
      <ol class="small-cells" role="list">
        <li>
          <p>
            <Icon name="code" />
            code
          </p>
          <pre>
            city, days = <span class="code-text">"Lisbon"</span>, <span class="code-number">3</span>
          </pre>
        </li>
        <SmallPrompt gives="plan">
          Plan <Field name="days" /> days in <Field name="city" />, one line a day.
        </SmallPrompt>
        <SmallPrompt gives="dishes" note=", structured">
          Three dishes to try in <Field name="city" />.
        </SmallPrompt>
        <SmallPrompt gives="card">
          A postcard in 20 words, after <Field name="plan" /> and <Field name="dishes" />.
        </SmallPrompt>
      </ol>
      <button class="button" onClick={() => void openExample()}>
        Open the example
      </button>
      <div class="fine">
        <p>
          <Icon name="record" />
          <span>Its answers come from the built-in mock: free, offline, always the same.</span>
        </p>
        <p>
          <Icon name="key" />
          <span>
            For others,{" "}
            <button class="link" onClick={() => openDialog("settings")}>
              choose a model
            </button>
            . Keys stay on this machine.
          </span>
        </p>
      </div>
    </aside>
  );
}

function SmallPrompt({ gives, note, children }: { gives: string; note?: string; children: preact.ComponentChildren }) {
  return (
    <li class="asks">
      <p>
        <Icon name="prompt" />
        <span>
          prompt, gives <code>{gives}</code>
          {note}
        </span>
      </p>
      <div>{children}</div>
    </li>
  );
}

function Field({ name }: { name: string }) {
  return <code class="field">{`{${name}}`}</code>;
}
