/** The connection on which events come. What the page says goes by REST. */

import { io } from "socket.io-client";
import { EVENT_NAMES, type WireEvent } from "./events.ts";

export type Connection = "connecting" | "connected" | "lost";

export interface Listener {
  event(event: WireEvent): void;
  /** The state of the connection changed. After `connected` what was missed has to be read anew. */
  connection(state: Connection): void;
}

export interface EventSource {
  follow(notebookId: string): void;
  unfollow(notebookId: string): void;
  reconnect(): void;
}

/** Connect, and stay connected: it tries again for ever, with jitter. */
export function openEvents(listener: Listener): EventSource {
  const base = new URL(document.baseURI);
  const socket = io(base.origin, {
    path: `${base.pathname}socket.io/`,
    transports: ["websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
    randomizationFactor: 0.5,
  });
  const followed = new Set<string>();
  listener.connection("connecting");
  socket.on("connect", () => {
    for (const notebook_id of followed) socket.emit("subscribe", { notebook_id });
    listener.connection("connected");
  });
  socket.on("disconnect", () => listener.connection("lost"));
  for (const name of EVENT_NAMES) {
    socket.on(name, (payload: object) => listener.event({ ...payload, event: name } as WireEvent));
  }
  return {
    follow(notebook_id) {
      followed.add(notebook_id);
      if (socket.connected) socket.emit("subscribe", { notebook_id });
    },
    unfollow(notebook_id) {
      followed.delete(notebook_id);
      if (socket.connected) socket.emit("unsubscribe", { notebook_id });
    },
    reconnect() {
      if (!socket.connected) socket.disconnect().connect();
    },
  };
}
