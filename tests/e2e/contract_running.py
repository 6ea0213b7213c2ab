"""The REST calls that run cells: what each type of cell answers, the state, and who answers prompts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from contract_plumbing import Api, expect, expect_equal, expect_fields, is_texts, is_uuid

KEY = "sk-contract-client-0123456789abcdef"


def expect_outputs(outputs: Any) -> None:
    for output in outputs:
        expect_fields(output, {"type": str, "content": str})


def check_code_cells(api: Api) -> None:
    notebook_id = api.notebook()
    code = "import sys\nprint('Größe')\nprint('oh', file=sys.stderr)\nx = 6"
    ran = api.run(notebook_id, "code", code)
    expect_fields(ran, {"id": is_uuid, "outputs": list, "status": str})
    expect(ran["status"] != "error", "a cell that ran well is no error")
    expect_outputs(ran["outputs"])
    texts = {output["type"]: output["content"] for output in ran["outputs"]}
    expect_equal(texts, {"stdout": "Größe\n", "stderr": "oh\n"}, "what was written")

    shown = api.run(
        notebook_id, "code", "class Bold:\n    _repr_html_ = lambda self: '<b>6</b>'\nBold()"
    )
    expect_fields(shown["outputs"][-1], {"type": "display", "data": dict, "metadata": dict})
    bundle = shown["outputs"][-1]["data"]
    expect_equal(bundle.get("text/html"), "<b>6</b>", "the HTML of a displayed value")
    expect_equal(shown["outputs"][-1]["content"], bundle["text/plain"], "a display's content")
    number = api.run(notebook_id, "code", "x * 7")["outputs"][-1]
    expect_fields(number, {"type": "display", "content": "42"})

    raised = api.run(notebook_id, "code", "print('before')\n{}['a key']")
    expect_fields(raised, {"status": "error", "outputs": list})
    expect_equal([o["type"] for o in raised["outputs"]], ["stdout", "error"], "types, in order")
    error = {"ename": "KeyError", "evalue": "'a key'", "content": "KeyError: 'a key'"}
    expect_fields(raised["outputs"][-1], {**error, "traceback": is_texts})
    expect_fields(api.run(notebook_id, "code", "def f(:"), {"status": "error"})
    died = api.run(notebook_id, "code", "import os\nos._exit(3)")
    expect_fields(died, {"status": "error", "outputs": lambda value: value[-1]["type"] == "error"})
    expect_outputs(died["outputs"])
    again = api.run(notebook_id, "code", "print('back')")
    expect_equal(again["outputs"][-1]["content"], "back\n", "after the kernel's death")


def check_other_cells(api: Api) -> None:
    notebook_id = api.notebook()
    for content in ("# Title\n\n{text}", ""):
        marked = api.run(notebook_id, "markdown", content)
        expect_outputs(marked["outputs"])
        expect(marked["status"] != "error", "markdown runs well")
    memory = api.run(notebook_id, "memory", "# kept\nwho = 'Ada'\nmemory.update({\n 'n': 3,\n})")
    update = memory["outputs"][0]
    expect_fields(update, {"type": "memory_update", "content": str, "added": is_texts})
    expect_equal(sorted(update["added"]), ["n", "who"], "the names that memory added")
    expect_fields(update, {"updated_state": lambda value: is_texts(list(value.values()))})
    expect(update["updated_state"].keys() >= {"n", "who"}, "the state that memory made")
    bad = api.run(notebook_id, "memory", "fine = 1\nimport os")
    expect_fields(bad, {"status": "error", "outputs": lambda value: value[-1]["type"] == "error"})

    asked = api.run(notebook_id, "prompt", "Greet {who}, {n + 1} times.", response_var="greeting")
    answer = asked["outputs"][-1]
    shape = {"type": "llm_response", "prompt": "Greet Ada, 4 times.", "model": str}
    expect_fields(
        answer, {**shape, "content": str, "usage": lambda v: v is None or isinstance(v, dict)}
    )
    state = api.call("GET", f"/api/notebooks/{notebook_id}/state")["state"]
    expect_fields(state, {"who": "Ada", "n": 3, "greeting": answer["content"]})
    unnamed = api.run(notebook_id, "prompt", "Greet {who} again.")
    index = len(api.call("GET", f"/api/notebooks/{notebook_id}/cells")["cells"]) - 1
    state = api.call("GET", f"/api/notebooks/{notebook_id}/state")["state"]
    said = unnamed["outputs"][-1]["content"]
    expect_fields(state, {f"response_{index}": said})
    missing = api.run(notebook_id, "prompt", "Greet {nobody_of_that_name}.")
    expect_fields(missing, {"status": "error", "outputs": list})
    expect("nobody_of_that_name" in missing["outputs"][-1]["content"], "the missing name is named")


def check_execute_all(api: Api) -> None:
    empty = api.notebook()
    expect_fields(api.call("POST", f"/api/notebooks/{empty}/execute_all"), {"success": True})
    notebook_id = api.notebook()
    path = f"/api/notebooks/{notebook_id}"
    for kind, content in (
        ("markdown", "# Hello"),
        ("memory", "who = 'Ada'"),
        ("code", "n = len(who)"),
        ("prompt", "{n} letters"),
        ("code", "print(n)"),
    ):
        api.cell(notebook_id, kind, content)
    expect_fields(api.call("POST", f"{path}/execute_all", {}), {"success": True})
    whole = api.call("GET", path)
    expect_equal(whole["cells"][-1]["outputs"][0]["content"], "3\n", "the last cell's output")
    expect({"who", "n", "response_3"} <= set(whole["state_keys"]), f"{whole['state_keys']}")

    failing = api.cell(notebook_id, "code", "raise ValueError('at the fifth')", position=1)
    answer = api.call("POST", f"{path}/execute_all")
    expect_fields(answer, {"success": False, "error": str, "cell_id": failing})
    expect("at the fifth" in answer["error"], f"the error is told: {answer['error']!r}")


def check_state(api: Api) -> None:
    notebook_id = api.notebook()
    path = f"/api/notebooks/{notebook_id}/state"
    expect_fields(api.call("GET", path), {"state": {}})
    values = {"i": 1, "f": 0.5, "t": "Größe", "n": None, "b": True, "l": [1, [2]], "d": {"k": [1]}}
    code = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    odd = "nan = float('nan')\nobj = object()\nfn = lambda: 1\nby = b'\\xff'\nkeys = {(1, 2): 3}\n"
    api.run(notebook_id, "code", code + odd + "import sys\nsurrogate = '\\ud800'\nbig = 10 ** 400")
    state = api.call("GET", path)["state"]
    expect_fields(state, values)
    expect("object object" in state["obj"], f"what JSON can't hold is its text: {state['obj']!r}")
    expect("by" in state, "bytes have a text")


@contextmanager
def _model_server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that speaks OpenAI's protocol just far enough to answer a prompt."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({**body, "authorization": self.headers["Authorization"]})
            choice = {"index": 0, "finish_reason": "stop"}
            common = {"id": "1", "created": 1, "model": body["model"]}
            if body.get("stream"):
                delta = {**choice, "delta": {"role": "assistant", "content": "From afar."}}
                chunk = {**common, "object": "chat.completion.chunk", "choices": [delta]}
                kind, text = "text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
            else:
                said = {**choice, "message": {"role": "assistant", "content": "From afar."}}
                kind = "application/json"
                text = json.dumps({**common, "object": "chat.completion", "choices": [said]})
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def check_providers(api: Api) -> None:
    providers = api.call("GET", "/api/llm/providers")
    expect_fields(providers, {"providers": is_texts})
    expect({"mock", "openai"} <= set(providers["providers"]), f"{providers}")
    notebook_id = api.notebook()
    with _model_server() as (address, asked):
        choice = {"type": "openai", "api_key": KEY, "base_url": address, "model": "far-1"}
        answer = api.request("PUT", "/api/llm/provider", choice)
        expect_equal(answer.status, 200, f"the status of a chosen provider ({answer.raw!r})")
        expect_fields(answer.json, {"success": True})
        expect(KEY.encode() not in answer.raw, "no key is echoed")
        ran = api.run(notebook_id, "prompt", "Are you there?")
    expect_equal(len(asked), 1, f"how often the model was asked ({ran})")
    expect_fields(asked[0], {"model": "far-1", "authorization": f"Bearer {KEY}"})
    expect_equal(asked[0]["messages"][-1]["content"], "Are you there?", "what the model is sent")
    output = ran["outputs"][-1]
    expect_fields(output, {"type": "llm_response", "content": "From afar.", "model": "far-1"})
    api.run(notebook_id, "prompt", "Nobody listens there now.")  # fails, and must not tell the key
    for path in (f"/api/notebooks/{notebook_id}", "/api/llm/providers"):
        expect(KEY.encode() not in api.request("GET", path).raw, f"no key in {path}")
    sentence = api.refused(404, "PUT", "/api/llm/provider", {"type": "no-such", "api_key": KEY})
    expect(KEY not in sentence, "no key in a refusal")
    for bad in ({}, {"type": 5, "api_key": KEY}, {"type": "mock", "api_key": [KEY]}):
        sentence = api.refused(400, "PUT", "/api/llm/provider", bad)
        expect(KEY not in sentence, "no key in a refusal")
    expect_fields(api.call("PUT", "/api/llm/provider", {"type": "mock"}), {"success": True})
    expect(api.run(notebook_id, "prompt", "And now?")["status"] != "error", "the mock answers")
