/** What new notebooks begin with. Each notebook's own settings can be changed in it. */

import { beginning } from "../store/new-notebooks.ts";
import { Segments } from "../ui/segments.tsx";

const MEANINGS = {
  live: "every prompt is asked again",
  reuse: "recorded answers first, ask for what is new",
  replay: "recorded answers only, nobody is asked",
} as const;

export function NewNotebooks() {
  const { mode, budgetUsd } = beginning.value;
  return (
    <section id="new-notebooks">
      <h2>New notebooks</h2>
      <p>What they begin with, in this browser. Each can be changed in the notebook.</p>
      <div class="setting">
        <span>Answers come from</span>
        <div>
          <Segments
            label="Answers come from"
            value={mode}
            options={[["live", "Live"], ["reuse", "Reuse"], ["replay", "Replay"]]}
            onChange={(value) => (beginning.value = { ...beginning.value, mode: value })}
          />
          <span>{MEANINGS[mode]}</span>
        </div>
      </div>
      <div class="setting">
        <label for="first-budget">Budget</label>
        <div>
          <span class="money-field">
            $
            <input
              id="first-budget"
              class="input"
              inputMode="decimal"
              placeholder="none"
              value={budgetUsd ?? ""}
              onChange={(event) => {
                const usd = Number(event.currentTarget.value.replace(",", "."));
                const isAmount = Number.isFinite(usd) && usd > 0;
                beginning.value = { ...beginning.value, budgetUsd: isAmount ? usd : null };
                if (!isAmount) event.currentTarget.value = "";
              }}
            />
          </span>
          <span>spent by all its runs; nothing beyond it is sent</span>
        </div>
      </div>
    </section>
  );
}
