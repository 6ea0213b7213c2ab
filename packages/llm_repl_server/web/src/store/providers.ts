/** What was found out about providers while the page is open: what came of trying them, their models. */

import { signal } from "@preact/signals";
import { providersApi, type Trial } from "../wire/providers.ts";
import { RestError } from "../wire/rest.ts";
import { readProviders } from "./server.ts";

export interface Tried extends Trial {
  readonly at: string;
}

/** By the provider's name; null: it is being tried. */
export const trials = signal<ReadonlyMap<string, Tried | null>>(new Map());

/** By the provider's name. */
export const models = signal<ReadonlyMap<string, readonly string[]>>(new Map());

function set<T>(map: ReadonlyMap<string, T>, name: string, value: T): ReadonlyMap<string, T> {
  return new Map(map).set(name, value);
}

/** Of each, the latest: what was tried with another key counts no more. */
const latest = new Map<string, number>();

export async function tryProvider(name: string): Promise<void> {
  const turn = (latest.get(name) ?? 0) + 1;
  latest.set(name, turn);
  trials.value = set(trials.value, name, null);
  let trial: Trial;
  try {
    trial = await providersApi.test(name);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    trial = { works: false, message: error.message, model_count: null, duration_s: 0 };
  }
  if (latest.get(name) !== turn) return;
  trials.value = set(trials.value, name, { ...trial, at: new Date().toISOString() });
  if (!trial.works) return;
  await readModels(name);
  await readProviders(); // one of its models may be its default now
}

/** Forget what was tried with another key or address, and see how it is now. */
export async function providerChanged(name: string): Promise<void> {
  const left = new Map(trials.value);
  left.delete(name);
  trials.value = left;
  await readProviders();
}

/** Ask for the models; where they can't be asked for, the name is typed. */
export async function readModels(name: string): Promise<void> {
  try {
    models.value = set(models.value, name, await providersApi.models(name));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
}
