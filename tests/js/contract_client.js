/**
 * A client written from the wire contract alone, with the libraries of a Web UI: axios and
 * socket.io-client 4 over its websocket transport, at another origin on localhost, without a token.
 * It checks all that the contract promises, and obeys CORS as a browser would.
 *
 *     node contract_client.js http://127.0.0.1:5000 ROOT_FOLDER
 */
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const axios = require("axios");
const { io } = require("socket.io-client");

const [BASE, ROOT] = process.argv.slice(2);
const ORIGIN = "http://localhost:3000";
const LIMIT_MS = 60_000;
const NOWHERE = "00000000-0000-0000-0000-000000000000";
const KEY = "sk-contract-client-in-a-browser-0123456789";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const TYPES = {
  markdown: "MarkdownCell",
  code: "ComputationCell",
  prompt: "PromptCell",
  memory: "MemoryCell",
};
const EVENTS = {
  cell_execution_started: ["notebook_id", "cell_id"],
  cell_execution_completed: ["notebook_id", "cell_id", "outputs"],
  cell_execution_failed: ["notebook_id", "cell_id", "error", "outputs"],
  notebook_execution_started: ["notebook_id"],
  notebook_execution_completed: ["notebook_id"],
  notebook_execution_failed: ["notebook_id", "error"],
};

const http = axios.create({
  baseURL: `${BASE}/api`,
  headers: { Origin: ORIGIN },
  timeout: LIMIT_MS,
  proxy: false,
  validateStatus: () => true,
});

/** What a browser does before and after a request to another origin. */
async function asBrowser(config) {
  const method = config.method.toUpperCase();
  const simple = (method === "GET" || method === "POST") && config.data === undefined;
  if (!simple) {
    const asked = await http.request({
      method: "OPTIONS",
      url: config.url,
      headers: {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
      },
    });
    assert.ok([200, 204].includes(asked.status), `preflight of ${config.url}: ${asked.status}`);
    assertAllowed(asked);
    const methods = asked.headers["access-control-allow-methods"] ?? "";
    assert.ok(methods.includes(method) || method === "POST", `${method} among ${methods}`);
    assert.match(asked.headers["access-control-allow-headers"] ?? "", /content-type/i);
  }
  const answer = await http.request(config);
  assertAllowed(answer);
  assert.match(answer.headers["content-type"], /^application\/json\b/);
  assert.equal(typeof answer.data, "object", `not JSON: ${answer.data}`);
  return answer;
}

function assertAllowed(answer) {
  assert.equal(answer.headers["access-control-allow-origin"], ORIGIN);
  assert.match(answer.headers.vary ?? "", /origin/i);
}

async function call(method, url, data, status = 200) {
  const answer = await asBrowser({ method, url, data });
  assert.equal(answer.status, status, `${method} ${url}: ${JSON.stringify(answer.data)}`);
  return answer.data;
}

async function refused(status, method, url, data, headers = {}) {
  const answer = await asBrowser({ method, url, data, headers });
  const what = `${method} ${url} ${JSON.stringify(data)}: ${JSON.stringify(answer.data)}`;
  assert.ok([status].flat().includes(answer.status), `${answer.status} to ${what}`);
  assert.match(answer.data.error, /^\S.*\S$/, what);
  assert.match(answer.data.code, /^[a-z][a-z0-9_]*$/, what);
}

/** Check the named fields: by pattern, by `typeof`, by predicate, else by equality. */
function assertFields(value, shape) {
  for (const [name, kind] of Object.entries(shape)) {
    const what = `the field ${name} of ${JSON.stringify(value)}`;
    assert.ok(name in value, `${what} is missing`);
    if (kind instanceof RegExp) assert.match(value[name], kind, what);
    else if (kind === Array) assert.ok(Array.isArray(value[name]), what);
    else if (kind === Object || kind === String || kind === Number)
      assert.equal(typeof value[name], kind.name.toLowerCase(), what);
    else if (typeof kind === "function") assert.ok(kind(value[name]), what);
    else assert.deepEqual(value[name], kind, what);
  }
}

const BRIEF = { id: UUID, name: String, created_at: TIME, updated_at: TIME };

function assertCell(cell, more = {}) {
  const shape = { id: UUID, cell_id: cell.id, content: String, outputs: Array, status: String };
  assertFields(cell, { ...shape, type: (type) => Object.values(TYPES).includes(type) });
  assertFields(cell, { execution_count: (n) => n === null || Number.isInteger(n), ...more });
  if (cell.type !== "PromptCell") return;
  for (const name of ["model", "temperature", "response_var"]) assert.ok(name in cell, name);
}

const newNotebook = async (name = "In a browser") =>
  (await call("POST", "/notebooks", { name }, 201)).id;
const newCell = async (notebook, type, content, more = {}) =>
  (await call("POST", `/notebooks/${notebook}/cells`, { type, content, ...more }, 201)).id;
const execute = (notebook, cell) => call("POST", `/notebooks/${notebook}/cells/${cell}/execute`);
const run = async (notebook, type, content, more) =>
  execute(notebook, await newCell(notebook, type, content, more));

/** A Socket.IO client that keeps what it hears, in order. */
class Listener {
  static async open() {
    const listener = new Listener();
    listener.heard = [];
    listener.socket = io(BASE, {
      transports: ["websocket"],
      extraHeaders: { Origin: ORIGIN },
      reconnection: false,
      forceNew: true,
    });
    listener.socket.onAny((name, data) => listener.heard.push({ name, ...data }));
    await new Promise((resolve, reject) => {
      listener.socket.once("connect", resolve);
      listener.socket.once("connect_error", reject);
    });
    assert.equal(listener.socket.io.engine.transport.name, "websocket");
    return listener;
  }

  of(notebook) {
    return this.heard.filter((event) => event.notebook_id === notebook);
  }

  async wait(notebook, name, count = 1) {
    const deadline = Date.now() + LIMIT_MS;
    while (this.of(notebook).filter((event) => event.name === name).length < count) {
      const names = this.of(notebook).map((event) => event.name);
      assert.ok(Date.now() < deadline, `${name} did not come ${count} times, only ${names}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.of(notebook);
  }

  close() {
    this.socket.disconnect();
  }
}

/** Each event has its fields, and each cell that starts ends in exactly one way. */
function assertEvents(events) {
  const running = new Set();
  for (const event of events) {
    for (const name of EVENTS[event.name] ?? []) assert.ok(name in event, JSON.stringify(event));
    if (event.name.endsWith("_failed")) assert.equal(typeof event.error, "string");
    if (event.name === "cell_execution_started") running.add(event.cell_id);
    if (/^cell_execution_(completed|failed)$/.test(event.name)) {
      assert.ok(running.delete(event.cell_id), `a second ending: ${JSON.stringify(event)}`);
      for (const output of event.outputs) assertFields(output, { type: String, content: String });
    }
  }
  assert.equal(running.size, 0, `started, never ended: ${[...running]}`);
}

const checks = {
  async notebooks() {
    assertFields(await call("POST", "/notebooks", {}, 201), { ...BRIEF, name: "Untitled Notebook" });
    await call("POST", "/notebooks", undefined, 201);
    const made = await call("POST", "/notebooks", { name: "Größe" }, 201);
    assertFields(made, { ...BRIEF, name: "Größe" });
    const url = `/notebooks/${made.id}`;
    await newCell(made.id, "code", "1");
    const { notebooks } = await call("GET", "/notebooks");
    for (const row of notebooks) assertFields(row, { ...BRIEF, cell_count: Number });
    assert.equal(notebooks.find((row) => row.id === made.id).cell_count, 1);
    const whole = { ...BRIEF, notebook_id: made.id, metadata: Object, cells: Array };
    assertFields(await call("GET", url), { ...whole, state_keys: Array });
    const changed = await call("PUT", url, { name: "Other", metadata: { a: [1] } });
    assertFields(changed, { ...BRIEF, id: made.id, name: "Other" });
    assertFields((await call("GET", url)).metadata, { a: [1] });
    assertFields(await call("DELETE", url), { success: true });
    await refused(404, "GET", url);
  },

  async cells() {
    const notebook = await newNotebook();
    const url = `/notebooks/${notebook}/cells`;
    for (const [request, type] of Object.entries(TYPES))
      for (const spelling of [request, type]) {
        const made = await call("POST", url, { type: spelling, content: "x" }, 201);
        assertCell(made, { type, content: "x", outputs: [] });
        assert.deepEqual(await call("GET", `${url}/${made.id}`), made);
      }
    const prompt = { type: "prompt", content: "{x}", model: "m", temperature: 0.5, position: 0 };
    const first = await call("POST", url, { ...prompt, response_var: "v" }, 201);
    assertCell(first, { model: "m", temperature: 0.5, response_var: "v" });
    const { cells } = await call("GET", url);
    assert.deepEqual([cells.length, cells[0].id], [9, first.id]);
    const one = `${url}/${first.id}`;
    const change = { content: "{y}", model: "n", temperature: 1, response_var: null };
    assertCell(await call("PUT", one, change), change);
    assertFields(await call("DELETE", one), { success: true });
    await refused(404, "GET", one);
  },

  async executions() {
    const notebook = await newNotebook();
    await run(notebook, "memory", "who = 'Ada'");
    const ran = await run(notebook, "code", "import sys\nprint(who)\nprint('e', file=sys.stderr)\n6 * 7");
    assertFields(ran, { id: UUID, outputs: Array, status: (status) => status !== "error" });
    const contents = ran.outputs.map((output) => [output.type, output.content]);
    assert.deepEqual(contents.slice(-1), [["display", "42"]]);
    assert.deepEqual(new Set(contents.map(String)), new Set(["stdout,Ada\n", "stderr,e\n", "display,42"]));
    assertFields(ran.outputs.at(-1), { data: { "text/plain": "42" }, metadata: Object });
    const raised = await run(notebook, "code", "1 / 0");
    const error = { ename: "ZeroDivisionError", evalue: "division by zero", traceback: Array };
    assertFields(raised, { status: "error" });
    assertFields(raised.outputs.at(-1), { type: "error", ...error });
    const asked = await run(notebook, "prompt", "Greet {who}.", { response_var: "greeting" });
    const answer = asked.outputs.at(-1);
    assertFields(answer, { type: "llm_response", prompt: "Greet Ada.", model: String });
    assert.ok("usage" in answer);
    const remembered = await run(notebook, "memory", "memory.update({'n': 3})");
    const update = { type: "memory_update", added: ["n"], updated_state: Object };
    assertFields(remembered.outputs[0], update);
    assertFields(await run(notebook, "markdown", "# Title"), { outputs: Array });
    await run(notebook, "code", "nan, obj = float('nan'), object()");
    const { state } = await call("GET", `/notebooks/${notebook}/state`);
    assertFields(state, { who: "Ada", n: 3, greeting: answer.content, obj: /object object/ });
    assert.ok("nan" in state);
    await call("PUT", `/notebooks/${notebook}/cells/${ran.id}`, { content: "print(1)" });
    assertCell(await call("GET", `/notebooks/${notebook}/cells/${ran.id}`), { outputs: [] });
    const all = await call("POST", `/notebooks/${notebook}/execute_all`);
    assertFields(all, { success: false, error: /division by zero/, cell_id: raised.id });
    await call("DELETE", `/notebooks/${notebook}/cells/${raised.id}`);
    assertFields(await call("POST", `/notebooks/${notebook}/execute_all`, {}), { success: true });
  },

  async saving_and_loading() {
    const notebook = await newNotebook("A/b: c?");
    await run(notebook, "code", "print('kept')");
    const saved = await call("POST", `/notebooks/${notebook}/save`);
    assertFields(saved, { success: true, filepath: /\.llmn$/ });
    assert.equal(path.dirname(path.resolve(ROOT, saved.filepath)), path.resolve(ROOT));
    assert.ok(fs.existsSync(path.resolve(ROOT, saved.filepath)));
    const load = () => call("POST", "/notebooks/load", { filepath: saved.filepath }, 201);
    assertFields(await load(), { ...BRIEF, id: notebook });
    await newCell(notebook, "code", "2");
    assert.notEqual((await load()).id, notebook);
    await call("DELETE", `/notebooks/${notebook}`);
    assertFields(await load(), { id: notebook });
    const { cells } = await call("GET", `/notebooks/${notebook}`);
    assert.equal(cells[0].outputs[0].content, "kept\n");
    const file = { filepath: "from a browser.ipynb" };
    assertFields(await call("POST", `/notebooks/${notebook}/save`, file), { filepath: /\.ipynb$/ });
    await call("POST", "/notebooks/load", file, 201);
    await refused([400, 403], "POST", `/notebooks/${notebook}/save`, { filepath: "../x.llmn" });
    await refused([400, 404], "POST", "/notebooks/load", { filepath: "not there.llmn" });
  },

  async providers() {
    const { providers } = await call("GET", "/llm/providers");
    assert.ok(providers.includes("mock") && providers.includes("openai"), String(providers));
    const choice = { type: "openai", api_key: KEY, base_url: "http://127.0.0.1:9/v1", model: "m" };
    const chosen = await call("PUT", "/llm/provider", choice);
    assertFields(chosen, { success: true });
    assert.ok(!JSON.stringify(chosen).includes(KEY));
    await refused(404, "PUT", "/llm/provider", { type: "no-such" });
    assertFields(await call("PUT", "/llm/provider", { type: "mock" }), { success: true });
  },

  async refusals() {
    const notebook = await newNotebook();
    await refused(404, "GET", `/notebooks/${NOWHERE}`);
    await refused(404, "POST", `/notebooks/${NOWHERE}/execute_all`);
    await refused(404, "POST", `/notebooks/${notebook}/cells/${NOWHERE}/execute`);
    await refused(400, "POST", `/notebooks/${notebook}/cells`, { type: "no-such" });
    await refused(400, "PUT", `/notebooks/${notebook}`, { name: 5 });
    await refused(400, "POST", "/notebooks", "{", { "Content-Type": "application/json" });
    await refused(415, "POST", "/notebooks", '{"name": "x"}', { "Content-Type": "text/plain" });
    await refused(404, "GET", "/no-such-thing");
  },

  async events() {
    const [notebook, other] = [await newNotebook(), await newNotebook()];
    const [wide, narrow] = [await Listener.open(), await Listener.open()];
    try {
      await narrow.socket.timeout(LIMIT_MS).emitWithAck("subscribe", { notebook_id: notebook });
      await run(other, "code", "1");
      const code = await newCell(notebook, "code", "print('a')");
      const prompt = await newCell(notebook, "prompt", "Hello");
      await call("POST", `/notebooks/${notebook}/execute_all`);
      const bad = await run(notebook, "code", "raise ValueError('told')");
      const dead = await newCell(notebook, "code", "import os; os._exit(1)");
      await execute(notebook, dead);
      await call("POST", `/notebooks/${notebook}/execute_all`);
      for (const listener of [wide, narrow])
        assertEvents(await listener.wait(notebook, "notebook_execution_failed"));
      const events = wide.of(notebook);
      assert.deepEqual(events, narrow.of(notebook));
      const cell = ["cell_execution_started", "cell_execution_completed"];
      const failed = ["cell_execution_started", "cell_execution_failed"];
      // A prompt runs at the same time as other cells, so that the order is each cell's own.
      const names = (id) =>
        events.filter((one) => one.name in EVENTS && one.cell_id === id).map((one) => one.name);
      assert.deepEqual(names(code), [...cell, ...cell]);
      assert.deepEqual(names(prompt), [...cell, ...cell]);
      assert.deepEqual(names(dead), failed);
      assert.deepEqual(names(bad.id).slice(0, 4), [...failed, ...failed]);
      const whole = events.map((one) => one.name).filter((name) => name.startsWith("notebook_"));
      assert.deepEqual(whole, [
        "notebook_execution_started",
        "notebook_execution_completed",
        "notebook_execution_started",
        "notebook_execution_failed",
      ]);
      assert.match(events.at(-1).error, /told/);
      const raised = events.find((event) => event.name === failed[1] && event.cell_id === bad.id);
      assert.equal(raised.outputs.at(-1).type, "error");
      assertEvents(await wide.wait(other, "cell_execution_completed"));
      assert.deepEqual(narrow.of(other), []);
    } finally {
      wide.close();
      narrow.close();
    }
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`passed ${name}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`FAILED ${name}: ${error.stack}`);
    }
  }
})();
