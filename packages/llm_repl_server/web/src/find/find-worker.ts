/** Finds in a thread of its own: an expression may take longer than anybody waits, and cannot be stopped otherwise. */

import { find, type FindRequest } from "../store/find.ts";

addEventListener("message", ({ data }: MessageEvent<FindRequest>) => {
  postMessage(find(data.cells, data.search, data.replacement));
});
