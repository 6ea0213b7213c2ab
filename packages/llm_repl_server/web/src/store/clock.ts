/** The time, while something is under way that shows it. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const TICK_MS = 100;
const now = signal(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The time in milliseconds, which goes on while `runs`. */
export function useNow(runs: boolean): number {
  useEffect(() => {
    if (!runs) return;
    if (watchers++ === 0) timer = setInterval(() => (now.value = Date.now()), TICK_MS);
    return () => {
      if (--watchers === 0) clearInterval(timer);
    };
  }, [runs]);
  return runs ? now.value : now.peek();
}
