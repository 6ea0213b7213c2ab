import assert from "node:assert/strict";
import { test } from "node:test";
import { Given } from "./simulated/clock.ts";
import { World } from "./simulated/world.ts";
import { mergeCells, redo, splitCell, undo } from "../src/cells/commands.ts";

const TYPING_PAUSE_MS = 400;
const SLOW = 500;

/** Two windows that have just opened the notebook; `net.next` is how long what is sent next takes. */
async function opened({ isOneBrowser = false } = {}) {
  const net = new Given();
  const world = new World(net, isOneBrowser);
  await world.clock.pass(2000);
  const content = (id: string) => world.server.cells.find((cell) => cell.id === id)?.content ?? "";
  return { net, world, content, first: world.windows[0]!, pass: (ms: number) => world.clock.pass(ms) };
}

/** Another window writes behind the text of a cell. */
function typeElsewhere({ world, content }: Awaited<ReturnType<typeof opened>>, id: string, word: string): void {
  world.words.push(word);
  world.changeElsewhere(id, `${content(id)} ${word}`);
}

test("what others made of one's own edit before its answer came is not typed over", async () => {
  const all = await opened();
  all.world.type(0, "a");
  await all.pass(TYPING_PAUSE_MS);
  all.net.next.push(10, 10, SLOW); // the events are there before the answer
  await all.pass(15);
  typeElsewhere(all, "a", "theirs");
  await all.pass(30);
  all.world.type(0, "a");
  assert.equal(await all.world.end(), "");
});

test("what is typed into a new cell whose making was answered to nobody is not taken for made", async () => {
  const all = await opened();
  const id = all.first.do(() => all.first.notebook.create("ComputationCell", 0));
  all.world.type(0, id);
  await all.pass(TYPING_PAUSE_MS + 15); // it is made
  all.first.setOnline(false);
  await all.pass(50);
  all.world.type(0, id);
  typeElsewhere(all, id, "theirs");
  all.first.setOnline(true);
  assert.equal(await all.world.end(), "");
});

test("what was typed before and behind a reload is not typed over each other", async () => {
  for (const isOneBrowser of [false, true]) {
    const all = await opened({ isOneBrowser });
    for (const window of all.world.windows) window.setOnline(false);
    all.world.type(1, "a");
    all.world.type(0, "a");
    await all.pass(100);
    all.world.reload(0);
    await all.pass(500);
    all.world.type(0, "a");
    assert.equal(await all.world.end(), "");
  }
});

test("a conflict that is decided takes along nothing that waits to be sent", async () => {
  const all = await opened({ isOneBrowser: true });
  all.first.setOnline(false);
  all.world.type(0, "a");
  await all.pass(10);
  typeElsewhere(all, "a", "theirs");
  all.first.setOnline(true);
  await all.pass(1000); // it is in conflict
  assert.equal(all.first.notebook.outbox.conflicts.peek().size, 1);
  all.world.windows[1]!.setOnline(false);
  all.world.type(1, "a");
  all.world.reload(0); // the other window takes the conflict over
  await all.pass(50);
  all.world.decideAll(all.world.windows[1]!);
  assert.equal(await all.world.end(), "");
});

test("a cell that comes back is not typed over as one had it when it was deleted", async () => {
  const all = await opened();
  all.net.next.push(10, 10, SLOW); // the other's change is told late
  typeElsewhere(all, "a", "theirs");
  const { notebook } = all.first;
  all.first.do(() => notebook.edit("delete", [{ do: "delete", cellId: "a" }]));
  all.first.do(() => undo(notebook));
  await all.pass(45);
  all.world.type(0, "a");
  assert.equal(await all.world.end(), "");
});

test("what is changed of a cell whatever it holds is not what one types on", async () => {
  const all = await opened();
  all.net.next.push(SLOW, SLOW);
  typeElsewhere(all, "a", "theirs");
  const { notebook } = all.first;
  all.first.do(() => notebook.edit("type", [{ do: "change", cellId: "a", fields: { type: "PromptCell" }, version: notebook.versionOf("a") }]));
  await all.pass(100);
  all.world.type(0, "a");
  assert.equal(await all.world.end(), "");
});

test("a merge that was not undone for what was typed is not done again over it", async () => {
  const all = await opened();
  const { notebook } = all.first;
  const act = async (what: () => void) => {
    all.first.do(what);
    await all.pass(1000);
  };
  await act(() => mergeCells(notebook, ["a"]));
  await act(() => all.world.type(0, "a"));
  for (const again of [undo, redo, undo, redo]) await act(() => again(notebook));
  assert.equal(await all.world.end(), "");
});

test("what was made on a split that was not made is not made on what is there", async () => {
  const all = await opened();
  all.world.type(0, "a");
  await all.pass(1000);
  all.first.setOnline(false);
  const { notebook } = all.first;
  all.first.do(() => splitCell(notebook, "a", 3)); // "# a", and the word
  all.world.type(0, "a");
  const answer = all.world.server.answer.bind(all.world.server);
  all.world.server.answer = (method, path, body, headers) =>
    JSON.stringify(body).includes('"do":"create"')
      ? { status: 400, body: { error: "It can't be split.", code: "invalid" } }
      : answer(method, path, body, headers);
  all.first.setOnline(true);
  assert.equal(await all.world.end(), "");
  assert.match(all.content("a"), /w0x/);
});

test("a notebook that was read before an edit was made does not put the text of before back", async () => {
  const all = await opened();
  all.world.type(0, "a");
  await all.pass(TYPING_PAUSE_MS - 5);
  all.net.next.push(10, 10, SLOW); // reading, its spending, and the edit
  void all.first.do(() => all.first.notebook.read());
  for (let waited = 0; waited < 2 * SLOW; waited += 5) {
    await all.pass(5);
    assert.equal(all.first.notebook.view("a").cell.peek()?.content, "# a w0x");
  }
  assert.equal(await all.world.end(), "");
});

test("what was made here stands in its place when what others did before is told late", async () => {
  const all = await opened();
  all.net.next.push(SLOW);
  all.world.server.answer("POST", "/api/notebooks/n/cells/b/move", { position: 3 }, {});
  const { notebook } = all.first;
  const id = all.first.do(() => notebook.create("ComputationCell", 1));
  const shown = () => notebook.order.peek();
  await all.pass(100);
  assert.deepEqual(shown(), ["a", id, "b", "c", "d"]); // it is made
  assert.deepEqual(all.world.server.cells.map((cell) => cell.id), ["a", id, "c", "d", "b"]);
  await all.pass(SLOW);
  assert.deepEqual(shown(), ["a", id, "c", "d", "b"]);
  assert.equal(await all.world.end(), "");
});

test("a cell that somebody deletes does not come back with the answer to what was made of it", async () => {
  const all = await opened();
  all.world.type(0, "a");
  await all.pass(TYPING_PAUSE_MS);
  all.net.next.push(10, 10, SLOW);
  await all.pass(15);
  all.world.server.answer("DELETE", "/api/notebooks/n/cells/a", {}, {});
  await all.pass(2 * SLOW);
  assert.deepEqual(all.first.notebook.order.peek(), ["b", "c", "d"]);
  assert.equal(await all.world.end(), "");
});

test("what is written of two texts is kept over a reload, and by what is refused behind it", async () => {
  const all = await opened();
  all.first.setOnline(false);
  all.world.type(0, "a");
  typeElsewhere(all, "a", "theirs");
  all.first.setOnline(true);
  await all.pass(4000);
  const conflict = () => all.world.windows[0]!.notebook.outbox.conflicts.peek().get("a");
  all.world.words.push("written");
  all.first.do(() => all.first.notebook.outbox.writeTogether("a", "# a w0x theirs written"));
  all.world.reload(0);
  await all.pass(1000);
  assert.equal(conflict()?.together, "# a w0x theirs written");
  const { outbox } = all.world.windows[0]!.notebook;
  all.world.windows[0]!.do(() => outbox.add({ kind: "change", cellId: "a", fields: { content: "# a w1x" }, version: "unseen" }));
  all.world.words.push("w1x");
  await all.pass(1000);
  assert.equal(conflict()?.together, "# a w0x theirs written");
  assert.equal(await all.world.end(), "");
});
