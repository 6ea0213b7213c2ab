/** The inspector: what will be sent, the variables, the calls, what needs what. */

import { inspectorTab, openInspector, TABS, type Tab } from "../store/inspector.ts";
import { withKeysOf } from "../store/key-map.ts";
import { Icon } from "../ui/icon.tsx";
import { AnswersTab } from "./answers.tsx";
import { CallsTab } from "./calls.tsx";
import { GraphTab } from "./graph.tsx";
import { RequestTab } from "./request.tsx";
import { VariablesTab } from "./variables.tsx";

const WORDS: Readonly<Record<Tab, string>> = {
  request: "Request",
  variables: "Variables",
  calls: "Calls",
  graph: "Graph",
  answers: "Answers",
};

const WIDE: ReadonlySet<Tab> = new Set(["variables", "calls", "answers"]);

export function Inspector() {
  const tab = inspectorTab.value;
  if (!tab) return null;
  return (
    <aside class={WIDE.has(tab) ? "inspector is-wide" : "inspector"} aria-label="Inspector">
      <div class="tabs">
        <div class="tab-list" role="tablist" onKeyDown={moveBetweenTabs}>
          {TABS.map((name) => (
            <button
              role="tab"
              aria-selected={name === tab}
              tabIndex={name === tab ? 0 : -1}
              onClick={() => openInspector(name)}
            >
              {WORDS[name]}
            </button>
          ))}
        </div>
        <button
          class="button quiet only-icon end"
          aria-label="Close the inspector"
          title={withKeysOf("i", "Close")}
          onClick={() => (inspectorTab.value = null)}
        >
          <Icon name="x" />
        </button>
      </div>
      <div class="inspector-body" role="tabpanel" aria-label={WORDS[tab]} tabIndex={0}>
        {tab === "request" && <RequestTab />}
        {tab === "variables" && <VariablesTab />}
        {tab === "calls" && <CallsTab />}
        {tab === "graph" && <GraphTab />}
        {tab === "answers" && <AnswersTab />}
      </div>
    </aside>
  );
}

/** The arrow keys go from tab to tab. */
function moveBetweenTabs(event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const tabs = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=tab]")];
  const at = tabs.indexOf(document.activeElement as HTMLElement);
  if (!step || at < 0) return;
  const next = tabs[(at + step + tabs.length) % tabs.length];
  next?.click();
  next?.focus();
  event.preventDefault();
}
