import assert from "node:assert/strict";
import { test } from "node:test";
import { templateParts } from "../src/cells/fields.ts";
import { safeAddress } from "../src/markdown/addresses.ts";
import { bound, moment, spent } from "../src/ui/format.ts";

test("fields of a template are told from braces that are text", () => {
  const fields = (text: string) => templateParts(text).filter(({ isField }) => isField).map(({ text: field }) => field);
  assert.deepEqual(fields("Say {x} to {d['a}']:.2f}, {}, {{y}}, {1}, {\"a\": 1} and {µ!r}"), ["{x}", "{d['a}']:.2f}", "{µ!r}"]);
  assert.equal(templateParts("a {x} b {").map(({ text }) => text).join(""), "a {x} b {");
});

test("only addresses that a click may follow are links", () => {
  for (const address of ["https://a.org/", "http://a.org/", "mailto:a@b.org"]) assert.equal(safeAddress(address), address);
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc", "/api", "vbscript:x"]) {
    assert.equal(safeAddress(address), null);
  }
});

test("money: bounds round up, spending has two digits", () => {
  assert.deepEqual([0.0021, 0.031, 0.0300001, 0.03, 1.234, 0].map(bound), ["$0.003", "$0.04", "$0.04", "$0.03", "$1.24", "$0"]);
  assert.deepEqual([0.00143, 0.41, 2.867, 0, 0.052].map(spent), ["$0.0014", "$0.41", "$2.87", "$0", "$0.052"]);
});

test("moments: today the time, then the day, then the date", () => {
  const now = new Date("2026-11-24T18:00:00");
  assert.equal(moment("2026-11-24T14:02:00", now), "14:02");
  assert.equal(moment("2026-11-22T14:02:00", now), "Sun 22, 14:02");
  assert.equal(moment("2026-11-02T14:02:00", now), "2 Nov");
});
