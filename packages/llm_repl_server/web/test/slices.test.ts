import assert from "node:assert/strict";
import { test } from "node:test";
import { soon } from "../src/ui/slices.ts";

/** Frames and a clock that move when they are told to. */
let now = 0;
let frames: (() => void)[] = [];
Object.assign(globalThis, { requestAnimationFrame: (frame: () => void) => void frames.push(frame) });
performance.now = () => now;

async function nextFrame(): Promise<void> {
  const due = frames;
  frames = [];
  for (const frame of due) frame();
  // Behind what was set to come after the frame, and what follows from it.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
}

test("what takes long is spread over frames, in the order of asking", async () => {
  const done: number[] = [];
  for (const number of [1, 2, 3, 4, 5]) {
    soon(() => {
      done.push(number);
      now += 5;
    });
  }
  assert.deepEqual(done, []); // never at once
  await nextFrame();
  assert.deepEqual(done, [1, 2]);
  await nextFrame();
  assert.deepEqual(done, [1, 2, 3, 4]);
  await nextFrame();
  assert.deepEqual(done, [1, 2, 3, 4, 5]);
  assert.equal(frames.length, 0);
});

test("what work asks for is done in the same slice, and what is taken back is not", async () => {
  const done: string[] = [];
  const again = (left: number) => {
    done.push("more");
    if (left) soon(() => again(left - 1));
  };
  soon(() => again(2));
  const takeBack = soon(() => done.push("taken back"));
  takeBack();
  await nextFrame();
  assert.deepEqual(done, ["more", "more", "more"]);
});

test("work that fails is reported, and keeps no other from being done", async () => {
  const failures: unknown[] = [];
  Object.assign(globalThis, { reportError: (error: unknown) => void failures.push(error) });
  const done: string[] = [];
  const failure = new Error("one that fails");
  soon(() => {
    throw failure;
  });
  soon(() => done.push("the other"));
  await nextFrame();
  assert.deepEqual(done, ["the other"]);
  assert.deepEqual(failures, [failure]);
});
