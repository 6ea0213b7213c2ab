/** What the screen is like: whether it is a phone's, and how much of it the keyboard leaves. */

import { signal } from "@preact/signals";

const phone = matchMedia("(max-width: 599px)");

export const isPhone = signal(phone.matches);
phone.addEventListener("change", () => (isPhone.value = phone.matches));

/** Tell the style sheets which part of the screen can be seen: above a keyboard on it. */
function measure(): void {
  const view = visualViewport;
  const { style } = document.documentElement;
  style.setProperty("--seen-top", `${view?.offsetTop ?? 0}px`);
  style.setProperty("--seen-height", `${view?.height ?? innerHeight}px`);
  style.setProperty("--unseen-below", `${view ? Math.max(0, innerHeight - view.offsetTop - view.height) : 0}px`);
}

visualViewport?.addEventListener("resize", measure);
visualViewport?.addEventListener("scroll", measure);
measure();
