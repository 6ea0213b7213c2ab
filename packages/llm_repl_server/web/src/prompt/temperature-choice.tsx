/** How much chance there is in an answer. */

import { useNotebook } from "../store/context.ts";
import type { Cell } from "../wire/shapes.ts";

export function TemperatureChoice({ cell }: { cell: Cell }) {
  const notebook = useNotebook();
  const set = (temperature: number | null) => notebook.change(cell.id, { temperature });
  return (
    <div class="form">
      <label>
        <span>Temperature</span>
        <input
          class="input"
          type="number"
          min="0"
          max="2"
          step="0.1"
          value={cell.temperature ?? ""}
          placeholder="as the model has it"
          onInput={(event) => {
            const { value, valueAsNumber } = event.currentTarget;
            if (value === "") set(null);
            else if (valueAsNumber >= 0 && valueAsNumber <= 2) set(valueAsNumber);
          }}
        />
      </label>
      <p class="quiet-text">0 always says the likeliest, 2 is wild. Some models take none.</p>
      {cell.temperature != null && (
        <button class="button small" onClick={() => set(null)}>
          As the model has it
        </button>
      )}
    </div>
  );
}
