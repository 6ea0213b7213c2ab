/** The variables of an open notebook, as the server last saw them. A busy kernel is not asked. */

import { signal, type Signal } from "@preact/signals";
import { RestError } from "../wire/rest.ts";
import { variableCalls, type VariableList } from "../wire/variables.ts";
import type { OpenNotebook } from "./notebook.ts";

export interface VariablesState {
  readonly list: Signal<VariableList | null>;
  readonly error: Signal<string | null>;
  /** Read them again; calls meanwhile share one request. */
  refresh(): Promise<void>;
}

const states = new WeakMap<OpenNotebook, VariablesState>();

export function variablesOf(notebook: OpenNotebook): VariablesState {
  let state = states.get(notebook);
  if (!state) {
    const list = signal<VariableList | null>(null);
    const error = signal<string | null>(null);
    let asking: Promise<void> | null = null;
    const read = async () => {
      try {
        list.value = await variableCalls.list(notebook.id);
        error.value = null;
      } catch (failure) {
        if (!(failure instanceof RestError)) throw failure;
        error.value = failure.message;
      } finally {
        asking = null;
      }
    };
    state = { list, error, refresh: () => (asking ??= read()) };
    states.set(notebook, state);
  }
  return state;
}
