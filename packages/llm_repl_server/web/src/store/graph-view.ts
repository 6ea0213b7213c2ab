/** How the graph is shown: of one cell or of all, and whether cells are folded. */

import { computed, signal } from "@preact/signals";
import { inspectorTab } from "./inspector.ts";

export const isFolded = signal(false);
export const showsAllCells = signal(false);
/** Whether each cell shows its first line and what came of it. */
export const isAllFolded = computed(() => isFolded.value && inspectorTab.value === "graph");
