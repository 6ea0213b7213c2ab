/** What calls took and cost, in sums. */

export interface Sums {
  readonly calls: number;
  readonly recorded: number;
  readonly failed: number;
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly usd: number;
  readonly duration_s: number;
  readonly saved_usd: number;
}

export interface CallTotals {
  readonly total: Sums;
  readonly by_cell: readonly (Sums & { readonly cell_id: string })[];
  readonly by_model: readonly (Sums & { readonly provider: string; readonly model: string })[];
  readonly by_day: readonly (Sums & { readonly day: string })[];
}
