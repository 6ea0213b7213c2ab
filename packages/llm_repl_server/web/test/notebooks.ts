/** A notebook as it is read while nothing happens in it. */
export const NOTHING_UNDER_WAY = {
  epoch: "e", sequence: 0, partial_answers: [], items_under_way: [], runs: [], running_cells: [], pending_approvals: [],
  kernel: { state: "none", language: "python", version: "3.12.4" }, ran_cell_ids: [], file: null,
} as const;
