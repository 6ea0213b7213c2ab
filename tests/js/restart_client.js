/**
 * A Socket.IO client that does nothing to come back after its server was started again: the library
 * does. It prints what it hears, a line each.
 *
 *     node restart_client.js http://127.0.0.1:5000 websocket|polling
 */
"use strict";

const { io } = require("socket.io-client");

const [BASE, TRANSPORT] = process.argv.slice(2);
const socket = io(BASE, { transports: [TRANSPORT], reconnectionDelay: 100, reconnectionDelayMax: 500 });

socket.on("connect", () => console.log("connect"));
socket.on("disconnect", (reason) => console.log(`disconnect ${reason}`));
socket.onAny((event, payload) => console.log(`${event} ${payload.name ?? payload.notebook_id ?? ""}`));
process.stdin.on("end", () => process.exit(0)).resume();
