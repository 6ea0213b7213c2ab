/** What the screen is like: whether it is a phone's, and how much of it the keyboard leaves. */

import { signal } from "@preact/signals";

const phone = matchMedia("(max-width: 599px)");

export const isPhone = signal(phone.matches);
phone.addEventListener("change", () => (isPhone.value = phone.matches));

/** The part that can be seen, in pixels: above a keyboard on the screen. */
export const seen = signal({ top: 0, height: innerHeight });

function measure(): void {
  const view = visualViewport;
  seen.value = { top: view?.offsetTop ?? 0, height: view?.height ?? innerHeight };
}

visualViewport?.addEventListener("resize", measure);
visualViewport?.addEventListener("scroll", measure);
measure();
