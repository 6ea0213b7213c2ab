/** What scrolls sideways can be reached by keys, and what does not scroll is no stop on the way. */

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});

/** To be given as `ref` to an element with `overflow-x: auto`. */
export function scrolls(element: HTMLElement | null): (() => void) | undefined {
  if (!element) return undefined;
  sizes.observe(element);
  return () => sizes.unobserve(element);
}
