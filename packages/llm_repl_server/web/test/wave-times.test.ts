import assert from "node:assert/strict";
import { test } from "node:test";
import { waveSeconds, withoutBarrier } from "../src/store/wave-times.ts";
import type { GraphEdge } from "../src/wire/shapes.ts";

const edge = (source: string, target: string, kind: GraphEdge["kind"] = "variable") =>
  ({ source, target, kind, variable: kind === "variable" ? "x" : null }) as GraphEdge;
const seconds = (known: Record<string, number>) => (id: string) => known[id] ?? null;

test("a wave takes as long as its slowest prompt, where that is known of all", () => {
  assert.equal(waveSeconds(["a", "b"], seconds({ a: 1, b: 2 })), 2);
  assert.equal(waveSeconds(["a", "b"], seconds({ a: 1 })), null);
});

test("without a barrier some prompts are asked together, and how much less that takes is told", () => {
  const edges = [edge("a", "b", "barrier"), edge("b", "c", "barrier"), edge("b", "d"), edge("c", "d")];
  const gained = withoutBarrier("b", ["a", "b", "c", "d"], () => true, edges, seconds({ a: 1, b: 2, c: 1.5, d: 1 }));
  assert.deepEqual(gained, { waves: 2, fewer: 2, together: ["a", "b", "c"], lessSeconds: 2.5 });
  assert.equal(withoutBarrier("b", ["a", "b", "c", "d"], () => true, edges, () => null)?.lessSeconds, null);
});

test("where others hold it up all the same, nothing is gained", () => {
  const edges = [edge("a", "b"), edge("a", "b", "barrier")];
  assert.equal(withoutBarrier("b", ["a", "b"], () => true, edges, () => 1), null);
});
