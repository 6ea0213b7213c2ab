/** The first line of the document: the choices from which those of all prompts come. */

import { useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { choose, useChoices } from "../store/choices.ts";
import { withCode } from "../prompt/fields.tsx";
import { offeredModels, readOffered } from "../store/offered-models.ts";
import { isPhone } from "../store/screen.ts";
import { Icon } from "../ui/icon.tsx";
import { Popover } from "../ui/popover.tsx";

export function AllPrompts() {
  const notebook = useNotebook();
  const { model } = useChoices(notebook);
  const [isUnfolded, setUnfolded] = useState(false);
  return (
    <div class="cell defaults" aria-label="All prompts of this notebook">
      <div class="gutter" />
      <div class="lane" />
      <div class="body choices">
        <b>All prompts</b>
        <Popover label="Model of all prompts" class="choice" button={model || "model"}>
          {(close) => <Model close={close} />}
        </Popover>
        {isPhone.value && (
          <button class="choice" aria-expanded={isUnfolded} onClick={() => setUnfolded(!isUnfolded)}>
            {isUnfolded ? "fewer" : "and 2 more"}
            <Icon name={isUnfolded ? "left" : "right"} />
          </button>
        )}
        {(isUnfolded || !isPhone.value) && <OtherChoices />}
      </div>
    </div>
  );
}

function OtherChoices() {
  const { system, budgetUsd } = useChoices(useNotebook());
  return (
    <>
      <Popover
        label="System text of all prompts"
        class="choice"
        button={system ? <span>system “{withCode(cut(system).replace(/\{[^{}]*\}/g, "`$&`"))}”</span> : "+ system"}
      >
        {(close) => <System close={close} />}
      </Popover>
      <Popover
        label="Budget of this notebook"
        class="choice figures"
        button={budgetUsd === null ? "+ budget" : `$${budgetUsd.toFixed(2)} in all`}
      >
        {(close) => <Budget close={close} />}
      </Popover>
    </>
  );
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

function Model({ close }: { close: () => void }) {
  const notebook = useNotebook();
  const { model } = useChoices(notebook);
  const own = (notebook.metadata.value["llm_repl"] as { model?: string } | undefined)?.model ?? "";
  const [typed, setTyped] = useState(own);
  void readOffered();
  const save = () => {
    choose(notebook, { model: typed.trim() || null });
    close();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label>
        <span>Model</span>
        <input
          class="input"
          list="all-models"
          value={typed}
          placeholder={model}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <datalist id="all-models">
        {offeredModels(notebook).map((name) => (
          <option value={name} key={name} />
        ))}
      </datalist>
      <p class="quiet-text">For every prompt that has no model of its own.</p>
      <button class="button primary">Use it</button>
    </form>
  );
}

function System({ close }: { close: () => void }) {
  const notebook = useNotebook();
  const { system } = useChoices(notebook);
  return (
    <div class="form">
      <textarea
        class="input"
        rows={4}
        aria-label="System text of all prompts"
        placeholder="You work for {shop}. Be brief."
        value={system ?? ""}
        onInput={(event) => choose(notebook, { system: event.currentTarget.value || null })}
      />
      <p class="quiet-text">Sent first with every prompt that has none of its own. {"{"}names{"}"} are filled in.</p>
      <button class="button" onClick={close}>
        Done
      </button>
    </div>
  );
}

function Budget({ close }: { close: () => void }) {
  const notebook = useNotebook();
  const { budgetUsd } = useChoices(notebook);
  const [typed, setTyped] = useState(budgetUsd === null ? "" : budgetUsd.toFixed(2));
  const usd = Number.parseFloat(typed.replace(/^\s*\$/, "").replace(",", "."));
  const isWrong = typed.trim() !== "" && !(usd >= 0);
  const save = (value: number | null) => {
    const before = (notebook.state?.metadata["llm_repl"] as { budget?: object } | undefined)?.budget;
    const budget = { ...before, usd: value };
    choose(notebook, { budget: value === null && Object.keys(budget).length === 1 ? null : budget });
    close();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) save(typed.trim() ? usd : null);
      }}
    >
      <label>
        <span>In all</span>
        <input
          class="input figures"
          inputMode="decimal"
          value={typed}
          placeholder="no limit"
          aria-invalid={isWrong}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <p class={isWrong ? "fails" : "quiet-text"}>
        {isWrong ? (
          <>
            <Icon name="warn" /> An amount in US dollars, as 5.00
          </>
        ) : (
          "US dollars for all calls of this notebook, ever. What may lead over it is not sent."
        )}
      </p>
      <span class="row">
        <button class="button primary" disabled={isWrong}>
          Set
        </button>
        {budgetUsd !== null && (
          <button type="button" class="button" onClick={() => save(null)}>
            No limit
          </button>
        )}
      </span>
    </form>
  );
}
