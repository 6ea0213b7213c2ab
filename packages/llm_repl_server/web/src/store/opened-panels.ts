/** Which of the views that stand over a notebook are open. */

import { signal } from "@preact/signals";

/** All notebooks, and the parts of this one. */
export const drawerIsOpen = signal(false);

/** Find and replace. What was looked for stays when it is closed. */
export const findIsOpen = signal(false);
