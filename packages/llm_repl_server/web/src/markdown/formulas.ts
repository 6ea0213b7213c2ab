/** Draws formulas; a bundle of its own, since most notebooks have none. */

import temml from "temml";

/** Whether the source could be drawn into the place. What it cannot draw it says so of, once. */
export function drawFormula(place: HTMLElement, source: string, isDisplay: boolean): boolean {
  const bare = source.trim().replace(/^\$\\displaystyle\s*([\s\S]*)\$$/, "$1").replace(/^(\${1,2})([\s\S]*)\1$/, "$2");
  try {
    place.textContent = "";
    temml.render(bare, place, {
      displayMode: isDisplay,
      throwOnError: true,
      trust: false,
      maxSize: [20, 20],
      maxExpand: 500,
    });
    return true;
  } catch {
    place.textContent = "";
    return false;
  }
}
