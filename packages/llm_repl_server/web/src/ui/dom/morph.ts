/** Makes of elements what others are. */

import { endViews, shownIn, startViews } from "./views.ts";

/**
 * Make of a node what another one is, where they differ: what is chosen in the rest stays so.
 *
 * Gives what stands there then: the other one where they are of different kinds.
 */
export function morph(now: ChildNode, next: ChildNode): ChildNode {
  if (now instanceof Text && next instanceof Text) {
    if (!next.data.startsWith(now.data)) now.data = next.data;
    else if (next.data.length > now.data.length) now.appendData(next.data.slice(now.data.length));
    return now;
  }
  if (!(now instanceof Element && next instanceof Element) || now.tagName !== next.tagName || shownIn(now) !== shownIn(next)) {
    if (now instanceof Element) endViews(now);
    now.replaceWith(next);
    if (next instanceof Element) startViews(next);
    return next;
  }
  if (shownIn(now) !== undefined) return now;
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  for (const name of now.getAttributeNames()) if (!next.hasAttribute(name)) now.removeAttribute(name);
  const [before, after] = [[...now.childNodes], [...next.childNodes]];
  after.forEach((child, at) => {
    const was = before[at];
    if (was) return void morph(was, child);
    now.append(child);
    if (child instanceof Element) startViews(child);
  });
  for (const child of before.slice(after.length)) {
    if (child instanceof Element) endViews(child);
    child.remove();
  }
  return now;
}
