/** Views that are opened: they are loaded behind the page, and drawn as soon as they are there. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

type PanelName = "Arcs" | "CallsPage" | "Dialogs" | "Inspector" | "PlanPanel" | "Several";

export type Panels = Readonly<Record<PanelName, ComponentType>>;

const panels = signal<Panels | null>(null);
let load: (() => Promise<Panels>) | null = null;
let loading: Promise<void> | null = null;

/** Say where they come from: they stand above what opens them. */
export function providePanels(from: () => Promise<Panels>): void {
  load = from;
}

export async function loadPanels(): Promise<void> {
  loading ??= load?.().then(
    (module) => void (panels.value = module),
    () => void (loading = null), // it is tried again with the next that is opened
  ) ?? null;
  await loading;
}

let awaited = 0;

/** Whether one is open that is not there yet: keys are meant for it. */
export function isPanelAwaited(): boolean {
  return awaited > 0 && panels.peek() === null;
}

export function Panel({ name }: { name: PanelName }) {
  const View = panels.value?.[name];
  if (!View) void loadPanels();
  useEffect(() => {
    awaited++;
    return () => void awaited--;
  }, []);
  return View ? <View /> : null;
}
