/** Views that are opened: they are loaded behind the page, and drawn as soon as they are there. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

type Panels = typeof import("../panels.ts");

const panels = signal<Panels | null>(null);
let loading: Promise<void> | null = null;

export function loadPanels(): Promise<void> {
  loading ??= import("../panels.ts").then(
    (module) => void (panels.value = module),
    () => void (loading = null), // it is tried again with the next that is opened
  );
  return loading;
}

let awaited = 0;

/** Whether one is open that is not there yet: keys are meant for it. */
export function isPanelAwaited(): boolean {
  return awaited > 0 && panels.peek() === null;
}

export function Panel({ name }: { name: keyof Panels }) {
  const View = panels.value?.[name];
  if (!View) void loadPanels();
  useEffect(() => {
    awaited++;
    return () => void awaited--;
  }, []);
  return View ? <View /> : null;
}
