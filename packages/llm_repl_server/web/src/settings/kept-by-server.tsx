/** The kernels that run, and what is stored. */

import { useState } from "preact/hooks";
import { useFetched } from "../inspector/fetched.ts";
import { openDialog } from "../store/dialog.ts";
import { address } from "../store/route.ts";
import { count, plural, roughTime, size } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import { housekeeping, type Housekeeping } from "../wire/housekeeping.ts";
import { rest, RestError } from "../wire/rest.ts";

export function KeptByServer({ onLeave }: { onLeave: () => void }) {
  const [restarts, setRestarts] = useState(0);
  const { value, error } = useFetched(housekeeping, [restarts]);
  const restart = async (notebookId: string) => {
    try {
      await rest.restart(notebookId);
    } catch (failure) {
      if (!(failure instanceof RestError)) throw failure;
      toast(failure.message);
    }
    setRestarts(restarts + 1);
  };
  return (
    <>
      <section id="kernels">
        <h2>Kernels</h2>
        <p>{value ? limitText(value) : (error ?? "Reading which run")}</p>
        {value?.kernels.running.map(({ notebook_id, notebook_name, kernel, unused_s }) => (
          <div class="setting" key={notebook_id}>
            <a href={address(notebook_id)} onClick={onLeave}>{notebook_name}</a>
            <div>
              <Icon name="kernel" />
              <span class="figures">
                {[language(kernel.language, kernel.version), kernel.state === "busy" ? "busy" : unused_s < 60 ? "idle" : `idle, unused for ${roughTime(unused_s)}`]
                  .filter(Boolean).join(", ")}
              </span>
              <button
                class="button small end"
                disabled={kernel.state === "busy"}
                title="Its variables go; answers and outputs stay"
                onClick={() => void restart(notebook_id)}
              >
                Restart
              </button>
            </div>
          </div>
        ))}
        {value && value.kernels.running.length < value.kernels.total && (
          <p class="note">{count(value.kernels.total - value.kernels.running.length)} more</p>
        )}
      </section>
      <section id="storage">
        <h2>Storage and record</h2>
        <p>Every answer of a model is on record, with what was asked: a notebook that is run again takes it from there.</p>
        {value && (
          <>
            <div class="setting">
              <span>Record</span>
              <div class="figures">{plural(value.storage.answers, "answer")}</div>
            </div>
            <div class="setting">
              <span>Notebooks</span>
              <div class="figures">
                {plural(value.storage.notebooks, "notebook")}
                {value.storage.size_bytes > 0 && `, ${size(value.storage.size_bytes)} in all`}
              </div>
            </div>
            <div class="setting">
              <span>Bin</span>
              <div class="figures">
                {plural(value.storage.deleted_notebooks, "notebook")}, kept for {plural(Math.round(value.storage.bin_days), "day")}
                <button class="button small end" onClick={() => openDialog("bin")}>
                  <Icon name="trash" />
                  Open
                </button>
              </div>
            </div>
            <div class="setting">
              <span>Where</span>
              <div>
                <code class="place">{value.storage.place}</code>
              </div>
            </div>
          </>
        )}
      </section>
    </>
  );
}

function limitText({ kernels }: Housekeeping): string {
  const how = kernels.idle_timeout_s
    ? `One that nobody uses is ended after ${roughTime(kernels.idle_timeout_s)}, and its variables with it.`
    : "One stays until its notebook is deleted or the server ends.";
  return `${kernels.total ? "They hold the variables of notebooks." : "None runs: a run starts one."} ${how}`;
}

function language(name: string | null, version: string | null): string {
  return name ? `${name[0]?.toUpperCase()}${name.slice(1)} ${version ?? ""}`.trim() : "";
}
