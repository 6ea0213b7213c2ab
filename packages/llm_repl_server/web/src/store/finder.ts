/** Finds in all cells: a text at once, an expression in a thread that is ended when it takes too long. */

import { find, type Found, type FindRequest } from "./find.ts";

const LIMIT_MS = 2_000;
const TOO_LONG = `This expression takes too long, and was given up after ${LIMIT_MS / 1_000} s`;

let worker: Worker | null = null;
let giveUp: (() => void) | null = null;

/** What is found; null: something else is looked for meanwhile. */
export function look(request: FindRequest): Promise<Found | null> {
  giveUp?.();
  if (!request.search.isRegex) return Promise.resolve(find(request.cells, request.search, request.replacement));
  return new Promise((resolve) => {
    // A bundle of its own.
    const own = (worker ??= new Worker(new URL("./find-worker.js", import.meta.url), { type: "module" }));
    const end = (found: Found | null, isBusy: boolean) => {
      clearTimeout(timer);
      giveUp = null;
      own.onmessage = own.onerror = null;
      if (isBusy) {
        own.terminate();
        worker = null;
      }
      resolve(found);
    };
    const failed = (mistake: string) => ({ matches: [], isCut: false, mistake });
    const timer = setTimeout(() => end(failed(TOO_LONG), true), LIMIT_MS);
    giveUp = () => end(null, true);
    own.onmessage = ({ data }: MessageEvent<Found>) => end(data, false);
    own.onerror = () => end(failed("This can't be looked for: a part of the page did not load"), true);
    const { search, replacement } = request;
    own.postMessage({ cells: request.cells.map(({ id, content }) => ({ id, content })), search, replacement });
  });
}
