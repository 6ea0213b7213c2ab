/** What the page knows of the server: whether it is connected, who answers. */

import { computed, signal } from "@preact/signals";
import { providersApi, type Providers } from "../wire/providers.ts";
import type { Connection } from "../wire/socket.ts";

export const connection = signal<Connection>("connecting");

export const providers = signal<Providers | null>(null);

/** The model that answers where nothing else is chosen, with its provider. */
export const defaultModel = computed(() => {
  const current = providers.value?.current;
  return current ? (current.model ?? current.type) : "";
});

export async function readProviders(): Promise<void> {
  providers.value = await providersApi.list();
}
