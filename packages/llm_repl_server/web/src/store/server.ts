/** What the page knows of the server: whether it is connected, who answers. */

import { computed, signal } from "@preact/signals";
import { providersApi, type Providers } from "../wire/providers.ts";
import type { Connection } from "../wire/socket.ts";

export const connection = signal<Connection>("connecting");

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

export async function readProviders(): Promise<void> {
  providers.value = await providersApi.list();
}
