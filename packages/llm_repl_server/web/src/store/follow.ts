/** The answer that is kept in view while it grows. */

import { effect, signal } from "@preact/signals";

/** The cell whose answer is followed; null: none. */
export const followed = signal<string | null>(null);

const EVERY_MS = 120;

/** Keep the end of the followed answer in view, until somebody scrolls; gives what ends it. */
export function followAnswers(): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const letGo = () => (followed.value = null);
  const dispose = effect(() => {
    clearInterval(timer);
    const id = followed.value;
    if (!id) return;
    timer = setInterval(() => {
      const element = document.getElementById(`cell-${id}`);
      if (!element?.classList.contains("is-live")) return letGo();
      element.scrollIntoView({ block: "end", behavior: "instant" });
    }, EVERY_MS);
  });
  addEventListener("wheel", letGo, { passive: true });
  addEventListener("touchmove", letGo, { passive: true });
  return () => {
    clearInterval(timer);
    dispose();
    removeEventListener("wheel", letGo);
    removeEventListener("touchmove", letGo);
  };
}
