/**
 * A list that grows at its end, in chunks: those that are full stay the same objects.
 *
 * What draws it looks at the last chunk alone when something is added.
 */
export type Chunks<Item> = readonly (readonly Item[])[];

const CHUNK = 32;

/** The list with more items behind it; `most`: so many are in a chunk. */
export function appended<Item>(chunks: Chunks<Item>, items: readonly Item[], most = CHUNK): Chunks<Item> {
  if (!items.length) return chunks;
  const grown = [...chunks];
  for (const item of items) {
    const last = grown.at(-1);
    if (last && last.length < most) grown[grown.length - 1] = [...last, item];
    else grown.push([item]);
  }
  return grown;
}
