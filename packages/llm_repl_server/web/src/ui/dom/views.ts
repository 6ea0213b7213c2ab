/** Views with a life of their own among elements that are drawn once: the buttons of code, formulas. */

import { render, type ComponentChild } from "preact";

const MARK = "data-view";

interface View {
  readonly view: ComponentChild;
  /** What it shows, as text: two that show the same are the same. */
  readonly shows: string;
}

const views = new WeakMap<Element, View>();

/** Let a view live in an element, once that stands in the document. */
export function withView(place: HTMLElement, shows: string, view: ComponentChild): HTMLElement {
  place.setAttribute(MARK, "");
  views.set(place, { view, shows });
  return place;
}

/** Begin the views in an element, or show what they have become. */
export function startViews(element: Element): void {
  for (const place of placesIn(element)) render(views.get(place)?.view, place);
}

/** End those that are in an element, or are it. */
export function endViews(element: Element): void {
  for (const place of placesIn(element)) render(null, place);
}

/** What an element's own view shows; undefined: it has none. */
export function shownIn(element: Element): string | undefined {
  return views.get(element)?.shows;
}

function placesIn(element: Element): Element[] {
  return [...(element.hasAttribute(MARK) ? [element] : []), ...element.querySelectorAll(`[${MARK}]`)];
}
