"""The REST calls about notebooks, cells and files: fields, defaults, spellings and refusals."""

from __future__ import annotations

import json
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
        if bad is not None and bad != "":  # these two mean the default name
            api.refused((400, 403), "POST", f"/api/notebooks/{back['id']}/save", {"filepath": bad})
        api.refused((400, 403, 404), "POST", "/api/notebooks/load", {"filepath": bad})
    api.refused((400, 404), "POST", "/api/notebooks/load", {"filepath": "not there.llmn"})
    api.refused(400, "POST", "/api/notebooks/load", {})
    Path(api.root, "broken.llmn").write_text("{", "utf-8")
    api.refused(400, "POST", "/api/notebooks/load", {"filepath": "broken.llmn"})


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
