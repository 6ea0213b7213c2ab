"""Every REST call of the contract, with its fields, defaults, spellings and refusals."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contract_plumbing import (
    NOWHERE,
    ORIGIN,
    Api,
    expect,
    expect_equal,
    expect_fields,
    is_texts,
    is_time,
    is_uuid,
)

SPELLINGS = {
    "markdown": "MarkdownCell",
    "code": "ComputationCell",
    "prompt": "PromptCell",
    "memory": "MemoryCell",
}
BRIEF = {"id": is_uuid, "name": str, "created_at": is_time, "updated_at": is_time}
CELL = {
    "id": is_uuid,
    "cell_id": is_uuid,
    "type": tuple(SPELLINGS.values()).__contains__,
    "content": str,
    "outputs": list,
    "status": str,
    "execution_count": lambda value: value is None or isinstance(value, int),
}
KEY = "sk-contract-client-0123456789abcdef"


def expect_cell(cell: Any, **more: Any) -> None:
    expect_fields(cell, {**CELL, **more})
    expect_equal(cell["id"], cell["cell_id"], "both spellings of a cell's id")
    if cell["type"] == "PromptCell":
        expect_fields(
            cell,
            {
                "model": lambda value: value is None or isinstance(value, str),
                "temperature": lambda value: value is None or isinstance(value, int | float),
                "response_var": lambda value: value is None or isinstance(value, str),
            },
        )


def expect_outputs(outputs: Any) -> None:
    for output in outputs:
        expect_fields(output, {"type": str, "content": str})


def check_notebooks(api: Api) -> None:
    expect_fields(api.call("GET", "/api/notebooks"), {"notebooks": list})
    for body in ({}, None):
        unnamed = api.call("POST", "/api/notebooks", body, status=201)
        expect_fields(unnamed, {**BRIEF, "name": "Untitled Notebook"})
    made = api.call("POST", "/api/notebooks", {"name": "Größe 1"}, status=201)
    expect_fields(made, {**BRIEF, "name": "Größe 1"})
    path = f"/api/notebooks/{made['id']}"
    api.cell(made["id"], "code", "1")

    listed = api.call("GET", "/api/notebooks")["notebooks"]
    for row in listed:
        expect_fields(row, {**BRIEF, "cell_count": int})
    mine = [row for row in listed if row["id"] == made["id"]]
    expect_equal([row["cell_count"] for row in mine], [1], "the number of cells in the list")

    whole = api.call("GET", path)
    shape = {**BRIEF, "notebook_id": made["id"], "id": made["id"], "name": "Größe 1"}
    expect_fields(whole, {**shape, "metadata": dict, "cells": list, "state_keys": is_texts})
    expect_cell(whole["cells"][0])

    changed = api.call("PUT", path, {"name": "Other", "metadata": {"mine": {"deep": [1]}}})
    expect_fields(changed, {**BRIEF, "id": made["id"], "name": "Other"})
    expect(changed["updated_at"] > made["updated_at"], "a change moves updated_at")
    expect_equal(changed["created_at"], made["created_at"], "created_at after a change")
    expect_equal(api.call("PUT", path, {"metadata": {"a": 1}})["name"], "Other", "the name kept")
    whole = api.call("GET", path)
    expect_fields(whole, {"name": "Other", "metadata": lambda value: value.get("a") == 1})

    expect_fields(api.call("DELETE", path), {"success": True})
    api.refused(404, "GET", path)
    api.refused(404, "DELETE", path)
    ids = [row["id"] for row in api.call("GET", "/api/notebooks")["notebooks"]]
    expect(made["id"] not in ids, "a deleted notebook is not listed")


def check_cells(api: Api) -> None:
    notebook_id = api.notebook()
    path = f"/api/notebooks/{notebook_id}/cells"
    expect_equal(api.call("GET", path), {"cells": []}, "the cells of a new notebook")
    for request, answer in SPELLINGS.items():
        for spelling in (request, answer):
            made = api.call("POST", path, {"type": spelling}, status=201)
            expect_cell(made, type=answer, content="", outputs=[])
            expect_equal(api.call("GET", f"{path}/{made['id']}"), made, "the cell, read again")

    prompt = {"type": "prompt", "content": "Say {x}", "model": "m", "temperature": 0.25}
    made = api.call("POST", path, {**prompt, "response_var": "said", "position": 0}, status=201)
    expect_cell(made, content="Say {x}", model="m", temperature=0.25, response_var="said")
    plain = api.call("POST", path, {"type": "prompt", "content": "x", "position": 1}, status=201)
    expect_cell(plain, response_var=None)
    cells = api.call("GET", path)["cells"]
    expect_equal([cell["id"] for cell in cells[:2]], [made["id"], plain["id"]], "positions")
    expect_equal(len(cells), 10, "the number of cells")
    for cell in cells:
        expect_cell(cell)

    one = f"{path}/{made['id']}"
    fields = {"content": "Tell {x}", "model": "n", "temperature": 1.5, "response_var": "told"}
    for name, value in fields.items():
        expect_cell(api.call("PUT", one, {name: value}), **{name: value})
    expect_cell(api.call("GET", one), **fields)
    expect_cell(api.call("PUT", one, {"response_var": None}), response_var=None)
    expect_cell(api.call("PUT", one, {"type": "MarkdownCell"}), type="MarkdownCell")

    expect_fields(api.call("DELETE", one), {"success": True})
    api.refused(404, "GET", one)
    api.refused(404, "PUT", one, {"content": "x"})
    api.refused(404, "DELETE", one)
    api.refused(404, "POST", f"{one}/execute")
    expect_equal(len(api.call("GET", path)["cells"]), 9, "one cell fewer")


def check_outputs_stay_until_the_content_changes(api: Api) -> None:
    notebook_id = api.notebook()
    cell_id = api.cell(notebook_id, "code", "print('a')")
    path = f"/api/notebooks/{notebook_id}/cells/{cell_id}"
    ran = api.execute(notebook_id, cell_id)
    expect_fields(api.call("GET", path), {"outputs": ran["outputs"], "execution_count": 1})
    same = api.call("PUT", path, {"content": "print('a')"})
    expect_equal(same["outputs"], ran["outputs"], "outputs after the same content")
    expect_equal(api.call("PUT", path, {"content": "print('b')"})["outputs"], [], "outputs")
    expect_equal(api.call("GET", path)["outputs"], [], "outputs of changed content")


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


def check_save_and_load(api: Api) -> None:
    notebook_id = api.notebook("Über/alles: a *test*?")
    path = f"/api/notebooks/{notebook_id}"
    api.run(notebook_id, "code", "print('kept')")
    api.run(notebook_id, "prompt", "What is kept?", response_var="kept")
    before = api.call("GET", path)

    saved = api.call("POST", f"{path}/save")
    expect_fields(saved, {"success": True, "filepath": str})
    file = Path(api.root, saved["filepath"])
    expect_equal((file.parent, file.suffix), (Path(api.root), ".llmn"), "where the default is")
    content = json.loads(file.read_text("utf-8"))
    expect_fields(content, {"notebook_id": notebook_id, "name": before["name"], "cells": list})
    load = {"filepath": saved["filepath"]}

    same = api.call("POST", "/api/notebooks/load", load, status=201)
    expect_fields(same, {**BRIEF, "id": notebook_id})
    changed = api.cell(notebook_id, "markdown", "Not in the file.")
    other = api.call("POST", "/api/notebooks/load", load, status=201)
    expect_fields(other, {**BRIEF, "name": before["name"]})
    expect(other["id"] != notebook_id, "what differs gets a new id")
    expect_equal(api.call("GET", path)["cells"][-1]["id"], changed, "nothing is overwritten")

    api.call("DELETE", path)
    expect_fields(api.call("POST", "/api/notebooks/load", load, status=201), {"id": notebook_id})
    after = api.call("GET", path)
    expect_fields(after, {key: before[key] for key in ("name", "created_at", "metadata")})
    for was, now in zip(before["cells"], after["cells"], strict=True):
        same_fields = ("id", "type", "content", "outputs")
        expect_fields(now, {key: was[key] for key in same_fields})

    Path(api.root, "in a folder").mkdir(exist_ok=True)
    book = api.call("POST", f"{path}/save", {"filepath": "in a folder/book.ipynb"})
    expect_fields(book, {"success": True, "filepath": str})
    file = Path(api.root, book["filepath"])
    expect_equal(file, Path(api.root, "in a folder", "book.ipynb"), "where the book is")
    expect_fields(json.loads(file.read_text("utf-8")), {"nbformat": 4, "nbformat_minor": 5})
    api.call("DELETE", path)
    back = api.call(
        "POST", "/api/notebooks/load", {"filepath": "in a folder/book.ipynb"}, status=201
    )
    cells = api.call("GET", f"/api/notebooks/{back['id']}")["cells"]
    expect_equal([c["type"] for c in cells], ["ComputationCell", "PromptCell"], "cells of the book")
    expect_equal(cells[1]["response_var"], "kept", "what a book has no place for")

    for bad in ("../out.llmn", "/etc/passwd", "a\0b.llmn", "", "a.exe", 5, None, ["x"]):
        if bad is not None:
            api.refused((400, 403), "POST", f"/api/notebooks/{back['id']}/save", {"filepath": bad})
        api.refused((400, 403, 404), "POST", "/api/notebooks/load", {"filepath": bad})
    api.refused((400, 404), "POST", "/api/notebooks/load", {"filepath": "not there.llmn"})
    api.refused(400, "POST", "/api/notebooks/load", {})
    Path(api.root, "broken.llmn").write_text("{", "utf-8")
    api.refused(400, "POST", "/api/notebooks/load", {"filepath": "broken.llmn"})


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


def check_refusals(api: Api) -> None:
    notebook_id = api.notebook()
    path = f"/api/notebooks/{notebook_id}"
    cells = f"{path}/cells"
    json_type = {"Content-Type": "application/json"}
    for raw in (b"{", b'{"name": "\xff"}', b"[1]", b'"x"', b"nul", b'{"name": NaN}'):
        api.refused(400, "POST", "/api/notebooks", raw=raw, headers=json_type)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind}
        api.refused(415, "POST", "/api/notebooks", raw=b'{"name": "x"}', headers=headers)
    api.refused(413, "POST", "/api/notebooks", headers={**json_type, "Content-Length": str(10**13)})
    for field, value in (("name", 5), ("name", ["x"]), ("metadata", "x"), ("metadata", [])):
        sentence = api.refused(400, "PUT", path, {field: value})
        expect(field in sentence, f"the field `{field}` is named in {sentence!r}")
    fields = {
        "type": "no-such",
        "content": 5,
        "position": "first",
        "temperature": "hot",
        "model": 1,
    }
    for field, value in {**fields, "response_var": "not a name"}.items():
        body = {"type": "prompt", "content": "x", field: value}
        sentence = api.refused(400, "POST", cells, body)
        expect(field in sentence, f"the field `{field}` is named in {sentence!r}")
    api.refused(400, "POST", cells, {})
    expect_equal(api.call("GET", cells), {"cells": []}, "cells after refusals")
    api.refused(404, "GET", f"/api/notebooks/{NOWHERE}")
    api.refused(404, "PUT", f"/api/notebooks/{NOWHERE}", {"name": "x"})
    for way in ("save", "execute_all"):
        api.refused(404, "POST", f"/api/notebooks/{NOWHERE}/{way}")
    for way in ("cells", "state", f"cells/{NOWHERE}"):
        api.refused(404, "GET", f"/api/notebooks/{NOWHERE}/{way}")
    api.refused(404, "GET", f"{cells}/{NOWHERE}")
    api.refused(404, "POST", f"{cells}/{NOWHERE}/execute")
    api.refused(404, "GET", "/api/no-such-thing")
    api.refused((400, 404), "GET", "/api/notebooks/not-an-id")
    api.refused(405, "PATCH", path, {"name": "x"})
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        api.refused((400, 401, 403), "POST", "/api/notebooks", {}, headers=headers)


def check_other_origins(api: Api) -> None:
    asking = {"Access-Control-Request-Headers": "content-type"}
    for method in ("GET", "POST", "PUT", "DELETE"):
        headers = {**asking, "Access-Control-Request-Method": method}
        answer = api.request("OPTIONS", f"/api/notebooks/{NOWHERE}", headers=headers)
        expect(answer.status in (200, 204), f"a preflight is answered {answer.status}")
        allowed = answer.headers.get("Access-Control-Allow-Methods", "")
        expect(method in allowed or method == "GET", f"{method} is allowed: {allowed!r}")
        names = answer.headers.get("Access-Control-Allow-Headers", "").lower()
        expect("content-type" in names, f"content-type is allowed: {names!r}")
        expect_equal(answer.headers.get("Access-Control-Allow-Origin"), ORIGIN, "allowed origin")
    # Without these headers a browser hides errors as well as answers from the page.
    for call in (
        ("GET", "/api/notebooks"),
        ("GET", f"/api/notebooks/{NOWHERE}"),
        ("GET", "/api/x"),
    ):
        answer = api.request(*call)
        found = answer.headers.get("Access-Control-Allow-Origin")
        expect_equal(found, ORIGIN, f"the allowed origin of {call}")
        expect("origin" in answer.headers.get("Vary", "").lower(), f"Vary: Origin in {call}")
    evil = api.request("GET", "/api/notebooks", headers={"Origin": "https://evil.example"})
    found = evil.headers.get("Access-Control-Allow-Origin")
    expect(found not in ("*", "https://evil.example"), f"a stranger's origin is allowed: {found}")
