/**
 * JSX that makes elements at once: what is drawn once and never changes needs no description that is kept
 * beside it. Children that are texts are text: nothing in them can run.
 */

export type Child = Node | string | number | boolean | null | undefined | readonly Child[];

type Attributes = Readonly<Record<string, unknown>> & { readonly children?: Child };

export namespace JSX {
  export type Element = HTMLElement;
  export interface ElementChildrenAttribute {
    children: unknown;
  }
  export type IntrinsicElements = Record<string, Attributes>;
}

export function jsx(name: string, { children, ...attributes }: Attributes): HTMLElement {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(attribute, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export { jsx as jsxs };

export function append(parent: Node, child: Child): void {
  if (Array.isArray(child)) for (const one of child as readonly Child[]) append(parent, one);
  else if (child instanceof Node) parent.appendChild(child);
  else if (typeof child === "string" || typeof child === "number") parent.appendChild(document.createTextNode(String(child)));
}
