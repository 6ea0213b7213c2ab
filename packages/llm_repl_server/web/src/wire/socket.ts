/** The connection on which events come. What the page says goes by REST. */

import { io } from "socket.io-client";
import { EVENT_NAMES, type WireEvent } from "./events.ts";

export type Connection = "connecting" | "connected" | "lost";

/** The last event of a notebook that is known: what came after it is asked for. */
export interface Known {
  readonly epoch: string;
  readonly sequence: number;
}

export interface Listener {
  event(event: WireEvent): void;
  /**
   * The state of the connection changed.
   *
   * @param retryAt When the next attempt is, by this machine's clock, in milliseconds; null: none waits.
   */
  connection(state: Connection, retryAt: number | null): void;
}

export interface EventSource {
  /** Hear a notebook: what came since, and all that follows, also after the connection was lost. */
  follow(notebookId: string, known: () => Known | null): void;
  /** Ask again for what came since: something is missing. */
  resume(notebookId: string): void;
  unfollow(notebookId: string): void;
  /** Try to connect now. */
  reconnect(): void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const ATTEMPT_LIMIT_MS = 8_000;

/** How long to wait before an attempt: longer each time, and never the same for all who wait. */
export function delayMs(attempt: number, random: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
}

/** Connect, and stay connected: it tries again for ever. */
export function openEvents(listener: Listener): EventSource {
  const base = new URL(document.baseURI);
  const socket = io(base.origin, {
    path: `${base.pathname}socket.io/`,
    transports: ["websocket"],
    reconnection: false,
    autoConnect: false,
    timeout: ATTEMPT_LIMIT_MS,
  });
  const followed = new Map<string, () => Known | null>();
  const asked = new Set<string>();
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const connect = () => {
    clearTimeout(timer);
    socket.disconnect().connect(); // an attempt that nobody answers is given up
  };
  const tryLater = () => {
    clearTimeout(timer);
    const waitMs = delayMs(attempt++, Math.random());
    timer = setTimeout(connect, waitMs);
    listener.connection("lost", Date.now() + waitMs);
  };
  const ask = (notebook_id: string) => {
    const known = followed.get(notebook_id)?.();
    if (!socket.connected || !known || asked.has(notebook_id)) return;
    asked.add(notebook_id);
    const numbers = { epoch: known.epoch, after: known.sequence };
    socket.emit("subscribe", { notebook_id, ...numbers }, () => asked.delete(notebook_id));
  };

  socket.on("connect", () => {
    attempt = 0;
    asked.clear();
    for (const id of followed.keys()) ask(id);
    listener.connection("connected", null);
  });
  socket.on("disconnect", tryLater);
  socket.on("connect_error", tryLater);
  for (const name of EVENT_NAMES) {
    socket.on(name, (payload: object) => listener.event({ ...payload, event: name } as WireEvent));
  }
  const reconnect = () => {
    if (socket.connected) return;
    attempt = 0;
    connect();
  };
  addEventListener("online", reconnect);
  // The browser knows at once what the connection would find out in 45 seconds.
  addEventListener("offline", () => socket.connected && socket.disconnect());
  document.addEventListener("visibilitychange", () => document.hidden || reconnect());
  listener.connection("connecting", null);
  connect();
  return {
    follow(notebookId, known) {
      followed.set(notebookId, known);
      asked.delete(notebookId);
      ask(notebookId);
    },
    resume: ask,
    unfollow(notebookId) {
      followed.delete(notebookId);
      if (socket.connected) socket.emit("unsubscribe", { notebook_id: notebookId });
    },
    reconnect,
  };
}
