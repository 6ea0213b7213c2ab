/** A signal for each key of a map: whoever shows one of the values hears of that one alone. */

import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { Keyed } from "./keyed.ts";

export class KeyedSignals<Value> {
  #values = Keyed.of<Value>();
  /** Of the keys that somebody has asked for. */
  readonly #signals = new Map<string, Signal<Value | undefined>>();

  of(key: string): ReadonlySignal<Value | undefined> {
    let found = this.#signals.get(key);
    if (!found) this.#signals.set(key, (found = signal(this.#values.get(key))));
    return found;
  }

  /** Take other values, and tell of all that differ; gives their keys. */
  take(values: Keyed<Value>): readonly string[] {
    const changed = this.hold(values);
    for (const key of changed) this.tell(key);
    return changed;
  }

  /** Take other values, and tell nobody yet; gives the keys of those that differ. */
  hold(values: Keyed<Value>): readonly string[] {
    const changed = values.differsIn(this.#values);
    this.#values = values;
    return changed;
  }

  tell(key: string): void {
    const found = this.#signals.get(key);
    if (found) found.value = this.#values.get(key);
  }
}
