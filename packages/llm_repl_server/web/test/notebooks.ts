/** A notebook as it is read while nothing happens in it. */
export const NOTHING_UNDER_WAY = {
  epoch: "e", sequence: 0, partial_answers: [], runs: [], running_cells: [], pending_approvals: [],
} as const;
