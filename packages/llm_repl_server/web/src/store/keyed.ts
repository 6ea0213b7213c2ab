/** A map that never changes, of which another one is made cheaply. */

const BUCKETS = 64;

type Bucket<Value> = ReadonlyMap<string, Value>;

/**
 * Values by key, in no order.
 *
 * With one more it is another map, which shares all buckets but one with this one: it costs as much as
 * a bucket is large, and what two maps differ in is found without a look at what they share.
 */
export class Keyed<Value> {
  readonly #buckets: readonly Bucket<Value>[];
  readonly size: number;

  private constructor(buckets: readonly Bucket<Value>[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static of<Value>(entries: Iterable<readonly [string, Value]> = []): Keyed<Value> {
    const buckets = Array.from({ length: BUCKETS }, () => new Map<string, Value>());
    for (const [key, value] of entries) buckets[bucketOf(key)]!.set(key, value);
    return new Keyed(buckets, buckets.reduce((sum, { size }) => sum + size, 0));
  }

  get(key: string): Value | undefined {
    return this.#buckets[bucketOf(key)]!.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]!.has(key);
  }

  with(key: string, value: Value): Keyed<Value> {
    const at = bucketOf(key);
    const bucket = this.#buckets[at]!;
    if (bucket.has(key) && bucket.get(key) === value) return this;
    return new Keyed(this.#buckets.with(at, new Map(bucket).set(key, value)), this.size + (bucket.has(key) ? 0 : 1));
  }

  without(key: string): Keyed<Value> {
    const at = bucketOf(key);
    const bucket = this.#buckets[at]!;
    if (!bucket.has(key)) return this;
    const left = new Map(bucket);
    left.delete(key);
    return new Keyed(this.#buckets.with(at, left), this.size - 1);
  }

  *entries(): Generator<readonly [string, Value]> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  *keys(): Generator<string> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): Generator<Value> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  /** The keys whose value is not the same object as in another map, or is in one of them only. */
  differsIn(other: Keyed<Value>): readonly string[] {
    const keys: string[] = [];
    if (other === this) return keys;
    this.#buckets.forEach((bucket, at) => {
      const others = other.#buckets[at]!;
      if (bucket === others) return;
      for (const [key, value] of bucket) if (others.get(key) !== value || !others.has(key)) keys.push(key);
      for (const key of others.keys()) if (!bucket.has(key)) keys.push(key);
    });
    return keys;
  }
}

/** By the end of the key: identifiers differ there. */
function bucketOf(key: string): number {
  let sum = 0;
  for (let at = Math.max(0, key.length - 8); at < key.length; at++) sum = (sum * 31 + key.charCodeAt(at)) | 0;
  return sum & (BUCKETS - 1);
}
