/** On a phone: running, and the inspector, where the thumb is. */

import { RunControls } from "../run/run-controls.tsx";
import { editing } from "../store/focus.ts";
import { toggleInspector, inspectorTab } from "../store/inspector.ts";
import { isPhone } from "../store/screen.ts";
import { Icon } from "../ui/icon.tsx";

export function BottomBar() {
  if (!isPhone.value || editing.value) return null;
  return (
    <div class="bottom-bar">
      <RunControls />
      <button
        class="button quiet only-icon end"
        aria-label="Inspect"
        aria-pressed={inspectorTab.value !== null}
        onClick={toggleInspector}
      >
        <Icon name="panel" />
      </button>
    </div>
  );
}
