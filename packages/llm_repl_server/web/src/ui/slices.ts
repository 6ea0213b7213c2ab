/** Work that can wait: some milliseconds of it behind each frame, so that what one clicks and types is heard in between. */

const SLICE_MS = 8;

const waiting = new Set<() => void>();
let isWorking = false;

/** Do some work soon, in the order of asking. Gives what takes it back. */
export function soon(work: () => void): () => void {
  waiting.add(work);
  if (!isWorking) void workOff();
  return () => waiting.delete(work);
}

async function workOff(): Promise<void> {
  isWorking = true;
  while (waiting.size) {
    await painted();
    await slice();
  }
  isWorking = false;
}

async function slice(): Promise<void> {
  const ends = performance.now() + SLICE_MS;
  for (const work of waiting) {
    waiting.delete(work);
    try {
      work();
    } catch (error) {
      reportError(error); // the others are done all the same
    }
    await null; // what it has changed is drawn
    if (performance.now() >= ends) return;
  }
}

function painted(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
