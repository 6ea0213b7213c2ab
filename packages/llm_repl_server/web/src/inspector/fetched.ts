/** What is read from the server for a view, and read again when something changes. */

import { useEffect, useState } from "preact/hooks";
import { RestError } from "../wire/rest.ts";

export interface Fetched<T> {
  /** What came last; null: nothing yet. */
  readonly value: T | null;
  readonly error: string | null;
  /** Whether a newer one is on its way. */
  readonly isOld: boolean;
}

/**
 * Read something, `afterMs` after one of `reasons` has changed.
 *
 * @param reasons What it depends on: compared one by one.
 */
export function useFetched<T>(
  read: (signal: AbortSignal) => Promise<T>,
  reasons: readonly unknown[],
  afterMs = 0,
): Fetched<T> {
  const [fetched, setFetched] = useState<Fetched<T>>({ value: null, error: null, isOld: true });
  useEffect(() => {
    const abort = new AbortController();
    setFetched((before) => ({ ...before, isOld: true }));
    const timer = setTimeout(async () => {
      try {
        const value = await read(abort.signal);
        if (!abort.signal.aborted) setFetched({ value, error: null, isOld: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof RestError)) throw error;
        setFetched((before) => ({ ...before, error: error.message, isOld: false }));
      }
    }, afterMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, reasons);
  return fetched;
}
