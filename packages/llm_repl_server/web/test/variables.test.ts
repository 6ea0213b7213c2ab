import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldPlace } from "../src/editor/field-path.ts";
import { chosen, inOrder, whatItIs } from "../src/store/variable-lines.ts";
import type { Variable } from "../src/wire/variables.ts";

const variable = (name: string, fields: Partial<Variable> = {}): Variable => ({
  name, type_name: "str", shape: null, length: null, text: "", has_parts: false, made_by: null, used_by: [], kept: false, ...fields,
});

test("a value is named by type and size", () => {
  assert.equal(whatItIs(variable("x", { type_name: "DataFrame", shape: [1204, 7] })), "DataFrame, 1,204 × 7");
  assert.equal(whatItIs(variable("x", { type_name: "Series", shape: [4] })), "Series of 4");
  assert.equal(whatItIs(variable("x", { type_name: "list", length: 9 })), "list of 9");
  assert.equal(whatItIs(variable("x", { length: 271 })), "str, 271 letters");
  assert.equal(whatItIs(variable("x", { length: 10 })), "str");
  assert.equal(whatItIs(variable("x", { type_name: "int" })), "int");
});

test("variables stand in the order of their cells, and are found by letters and by cell", () => {
  const all = [
    variable("b", { made_by: "two" }), variable("a", { made_by: "two", used_by: ["three"] }),
    variable("gone", { made_by: "deleted" }), variable("c", { made_by: "one" }),
  ];
  assert.deepEqual(inOrder(all, ["one", "two", "three"]).map((v) => v.name), ["c", "a", "b", "gone"]);
  assert.deepEqual(chosen(all, " GO", null).map((v) => v.name), ["gone"]);
  assert.deepEqual(chosen(all, "", "three").map((v) => v.name), ["a"]);
});

test("where in a field the cursor stands", () => {
  const place = (text: string) => {
    const found = fieldPlace(text);
    return found && [found.name, found.path, found.opener, found.word];
  };
  assert.deepEqual(place("for {"), [null, [], "", ""]);
  assert.deepEqual(place("for {m"), [null, [], "", "m"]);
  assert.deepEqual(place("{order.ci"), ["order", [], ".", "ci"]);
  assert.deepEqual(place("{order.lines[0]['sku'].na"), ["order", ["lines", "0", "sku"], ".", "na"]);
  assert.deepEqual(place("{order['s"), ["order", [], "[", "s"]);
  assert.deepEqual(place("{заказ"), [null, [], "", "заказ"]);
  for (const text of ["none", "{done} ", "{{m", "{a + ", "{a:.2", "{a\nb"]) assert.equal(place(text), null);
  assert.deepEqual(place("{{{m"), [null, [], "", "m"]);
});
