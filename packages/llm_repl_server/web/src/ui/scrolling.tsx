/** A part that scrolls sideways where it is too wide, and is then a stop for the keys. */

import type { ComponentChildren } from "preact";

import { scrolls } from "./scrolls.ts";

export function Scrolling({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="scrolls" ref={scrolls}>
      {children}
    </div>
  );
}
