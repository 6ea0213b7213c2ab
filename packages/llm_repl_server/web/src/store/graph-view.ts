/** How the graph is shown: of one cell or of all, and whether cells are folded. */

import { signal } from "@preact/signals";

export const isFolded = signal(false);
export const showsAllCells = signal(false);
