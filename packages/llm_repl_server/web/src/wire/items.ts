/** How far a prompt over items is. */

/** An item that has its answer, or will have none. */
export interface ItemEnd {
  readonly item: number;
  /** The type of its failure; null: it has an answer. */
  readonly ename: string | null;
  readonly error: string | null;
  readonly price_usd: number | null;
  /** Whether a model was asked; else its answer was there before. */
  readonly is_asked: boolean;
}

export interface ItemsOfCell {
  readonly cell_id: string;
  readonly total: number;
  readonly ended: number;
  readonly failed: number;
  /** Of the first: what their prompts say behind what all of them begin with. */
  readonly excerpts: readonly string[];
  readonly items: readonly ItemEnd[];
}
