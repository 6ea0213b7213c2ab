/** Which model answers, each with what this prompt would take of it. */

import { useEffect, useState } from "preact/hooks";
import { perform } from "../store/actions.ts";
import { useNotebook } from "../store/context.ts";
import { choicesOf, choose } from "../store/choices.ts";
import { openDialog } from "../store/dialog.ts";
import { draftRequest } from "../store/forecasts.ts";
import { offeredModels, readOffered } from "../store/offered-models.ts";
import { priceText, priceWords } from "../store/prices.ts";
import { servedAt } from "../store/served-at.ts";
import { Icon } from "../ui/icon.tsx";
import { planning, type DraftPreview } from "../wire/plan.ts";
import { RestError } from "../wire/rest.ts";
import type { Cell } from "../wire/shapes.ts";

const MOST = 60;

export function ModelPicker({ cell, close }: { cell: Cell; close: () => void }) {
  const notebook = useNotebook();
  const { model: inherited, mode } = choicesOf(notebook);
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const [offers, setOffers] = useState<DraftPreview | null>(null);
  const known = offeredModels(notebook);
  const typed = wanted.trim();
  // The one of all prompts stands first, and not a second time below.
  const same = known.filter((name) => name === inherited || name.endsWith(`/${inherited}`));
  const again = same.length === 1 && same[0] !== cell.model ? same[0] : null;
  const names = [...new Set(["", ...known])].filter((name) =>
    name !== again && (name || inherited).toLowerCase().includes(typed.toLowerCase()),
  );
  const isNew = typed !== "" && !known.includes(typed) && typed !== inherited;
  const shown = [...names.slice(0, MOST), ...(isNew ? [typed] : [])];
  const asked = JSON.stringify(shown);

  useEffect(() => void readOffered(), []);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const body = { ...draftRequest(cell), models: shown };
        const found = await planning.preview(notebook.id, cell.id, body, abort.signal);
        if (!abort.signal.aborted) setOffers(found);
      } catch (error) {
        if (!abort.signal.aborted && !(error instanceof RestError)) throw error;
      }
    }, 200);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked, cell.version]);

  const take = (name: string) => {
    notebook.change(cell.id, { model: name || null, provider: null });
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((now) => (now + step + shown.length) % Math.max(1, shown.length));
    else if (event.key === "Enter" && shown[at] !== undefined) take(shown[at] ?? "");
    else return;
    event.preventDefault();
  };
  let group = "";
  return (
    <>
      <div class="picker-head">
        <input
          class="input"
          type="search"
          list={undefined}
          role="combobox"
          aria-expanded="true"
          aria-controls="models"
          aria-activedescendant={`model-${at}`}
          aria-label="Find a model, or type a name"
          placeholder="Find, or type a name"
          value={wanted}
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <span class="quiet-text">this prompt takes</span>
      </div>
      <div class="models" role="listbox" id="models" aria-label={`Models of cell ${notebook.view(cell.id).index.value + 1}`}>
        {shown.map((name, place) => {
          const offer = offers?.models.find((one) => one.model === name);
          const provider = name ? (offer?.provider ?? name.split("/")[0] ?? "") : "";
          const heads = provider !== group && name !== "";
          group = provider;
          const isChosen = name === (cell.model ?? "");
          const words = offer && priceWords(mode, {
            calls: offers?.calls ?? 1, onRecord: offer.on_record, priceUsd: offer.price_usd,
            isBound: offers?.is_bound ?? false, isKnown: false,
          });
          return (
            <>
              {heads && <h3 role="presentation">{provider === "mock" ? "built in" : provider}{servedAt(provider) && `, at ${servedAt(provider)}`}</h3>}
              <div
                role="option"
                id={`model-${place}`}
                key={name}
                aria-selected={isChosen}
                class={place === at ? "model is-at" : "model"}
                onClick={() => take(name)}
                onPointerMove={() => setAt(place)}
              >
                {isChosen ? <Icon name="done" /> : <i />}
                <b>{(name || inherited).split("/").slice(name ? 1 : -1).join("/") || name}</b>
                <span class="quiet-text">
                  {!name ? "as all prompts here" : isNew && name === typed ? "as typed" : isChosen ? "of this cell" : ""}
                </span>
                <span class="figures" title={offer?.problem || undefined}>
                  {!offer ? "" : offer.problem ? "can’t be asked" : words?.record || priceText(offer.price_usd, offers?.is_bound ?? false)}
                </span>
              </div>
            </>
          );
        })}
        {!shown.length && <p class="quiet-text">No model of that name is known.</p>}
      </div>
      <div class="panel-foot">
        <button
          class="button quiet small"
          onClick={() => {
            close();
            perform("askSeveral");
          }}
        >
          <Icon name="cols" />
          Ask several models
        </button>
        <button
          class="button quiet small"
          disabled={!cell.model}
          title="Make it the model of all prompts here"
          onClick={() => {
            choose(notebook, { model: cell.model });
            notebook.change(cell.id, { model: null, provider: null });
            close();
          }}
        >
          For all prompts
        </button>
        <button class="button quiet small" onClick={() => openDialog("settings")}>
          <Icon name="sliders" />
          Models and keys
        </button>
      </div>
    </>
  );
}
