/** What the page knows of the server: whether it is connected, who answers. */

import { computed, signal } from "@preact/signals";
import { providersApi, type Providers } from "../wire/providers.ts";
import { RestError } from "../wire/rest.ts";
import type { Connection } from "../wire/socket.ts";

export const connection = signal<Connection>("connecting");

/** When the connection was lost, and when it is tried again, in milliseconds; null: it is not, or not known. */
export const lostAt = signal<number | null>(null);
export const retryAt = signal<number | null>(null);

export function noteConnection(state: Connection, nextTry: number | null): void {
  if (state !== "lost") lostAt.value = null;
  else lostAt.value ??= Date.now();
  connection.value = state;
  retryAt.value = nextTry;
}

export const providers = signal<Providers | null>(null);

/** The model that answers where nothing else is chosen. */
export const defaultModel = computed(() => {
  const current = providers.value?.current;
  if (!current) return "";
  const details = providers.value?.details.find(({ name }) => name === current.type);
  return current.model ?? details?.default_model ?? current.type;
});

/** The same with its provider. */
export const defaultAnswerer = computed(() => {
  const type = providers.value?.current.type ?? "";
  return type === defaultModel.value ? type : `${type}, ${defaultModel.value}`;
});

/** What cannot be read now is read again with the next connection. */
export async function readProviders(): Promise<void> {
  try {
    providers.value = await providersApi.list();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
}
