"""Notebooks saved to files and loaded from them, and paths that are up to no good."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from pathlib import Path

import pytest

MINIMAL = '{"notebook_id": "n1", "name": "N", "cells": [{"cell_id": "c1", "type": "PromptCell", "content": "Hi"}]}'


def load(api, filepath):
    return api.post("/api/notebooks/load", {"filepath": filepath})


def stored(api, path):
    """A notebook without its place among the events, which is the server's own."""
    shown = api.get(path).json
    return {name: value for name, value in shown.items() if name not in ("epoch", "sequence")}


def test_a_notebook_is_saved_under_its_name_and_loaded_again(make_api, root):
    api = make_api()
    path = api.new_notebook(
        "x = 1", ("memory", "kept = [1, 2]"), ("markdown", "é"), name="My / ../b?"
    )
    api.new_cell(path, "prompt", "Hi {x}", temperature=0.3, response_var="said")
    api.post(f"{path}/execute_all")
    saved = api.post(f"{path}/save")
    assert saved.status_code == 200
    assert saved.json == {"success": True, "filepath": "My _ .._b_.llmn"}
    assert [one.name for one in root.iterdir()] == ["My _ .._b_.llmn"]
    shown = api.get(path).json
    api.delete(path)
    loaded = load(api, saved.json["filepath"])
    assert loaded.status_code == 201
    assert loaded.json["id"] == shown["id"]
    assert api.get(path).json["cells"] == shown["cells"]
    assert api.get(f"{path}/state").json["state"] == {"kept": [1, 2]}  # without running anything
    assert make_api().get(path).json["cells"] == shown["cells"]


@pytest.mark.parametrize(
    "name", ["a.llmn", "b.ipynb", "ÜNI 日本 🎉.LLMN", "x.y.llmn", "./sub/c.llmn"]
)
def test_the_ending_picks_the_format(api, root, name):
    (root / "sub").mkdir()
    path = api.new_notebook("x = 1")
    saved = api.post(f"{path}/save", {"filepath": name})
    assert (saved.status_code, saved.json["filepath"]) == (200, name.removeprefix("./"))
    document = json.loads((root / name).read_bytes())
    assert ("nbformat" in document) == name.endswith(".ipynb")
    assert load(api, saved.json["filepath"]).status_code == 201


def test_absolute_paths_within_the_root_are_fine(api, root):
    path = api.new_notebook()
    answer = api.post(f"{path}/save", {"filepath": str(root / "x.llmn")})
    assert answer.json == {"success": True, "filepath": "x.llmn"}
    assert load(api, str(root / "x.llmn")).status_code == 201


@pytest.mark.parametrize("body", [{}, {"filepath": None}, {"filepath": ""}, None])
def test_the_file_to_save_to_may_be_left_out(api, body):
    path = api.new_notebook(name="N")
    assert api.post(f"{path}/save", body).json["filepath"] == "N.llmn"


def test_the_same_file_loaded_twice_is_one_notebook(api, root):
    (root / "n.llmn").write_text(MINIMAL)
    first, second = load(api, "n.llmn"), load(api, "n.llmn")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["id"] == second.json["id"] == "n1"
    assert len(api.get("/api/notebooks").json["notebooks"]) == 1


def test_an_id_that_another_notebook_has_is_not_overwritten(make_api, root):
    api = make_api()
    (root / "n.llmn").write_text(MINIMAL)
    load(api, "n.llmn")
    api.put("/api/notebooks/n1/cells/c1", {"content": "edited"})
    second = load(api, "n.llmn").json
    assert second["id"] != "n1"
    assert api.cells("/api/notebooks/n1")[0]["content"] == "edited"
    assert api.cells(f"/api/notebooks/{second['id']}")[0]["content"] == "Hi"
    assert len(make_api().get("/api/notebooks").json["notebooks"]) == 2


@pytest.mark.parametrize(
    "wanted", ["load", "", "a/b", ".", "..", "a b", "é", "x" * 300, "a?b", "%41"]
)
def test_ids_that_cannot_stand_in_an_address_are_changed(make_api, root, wanted):
    api = make_api()
    document = json.loads(MINIMAL)
    document["notebook_id"] = wanted
    document["cells"] += [{"cell_id": wanted or "/", "type": "MarkdownCell", "content": "second"}]
    (root / "n.llmn").write_text(json.dumps(document))
    loaded = load(api, "n.llmn").json
    path = f"/api/notebooks/{loaded['id']}"
    assert api.get(path).status_code == 200
    if wanted:
        assert load(api, "n.llmn").json["id"] == loaded["id"]
    for cell in api.cells(path):
        assert api.get(f"{path}/cells/{cell['id']}").json == cell
    shown = stored(api, path)
    assert stored(make_api(), path) == shown


def test_a_file_of_odd_text_is_shown_and_kept(make_api, root):
    api = make_api()
    text = r"""{"notebook_id": "n", "name": "\ud800", "metadata": {"big": 123456789012345678901234567890,
    "half": "\udfff"}, "cells": [{"cell_id": "c", "type": "ComputationCell", "content": "\ud83d",
    "outputs": [{"type": "stdout", "content": "\udc00", "n": 123456789012345678901234567890}]}]}"""
    (root / "odd.llmn").write_text(text)
    assert load(api, "odd.llmn").status_code == 201
    shown = api.get("/api/notebooks/n").json
    assert (shown["name"], shown["cells"][0]["content"]) == ("\ud800", "\ud83d")
    assert shown["metadata"] == {"big": 123456789012345678901234567890, "half": "\udfff"}
    assert "ETag" in api.get("/api/notebooks/n/cells/c").headers
    assert api.get("/api/notebooks/n/download").status_code == 200
    assert api.post("/api/notebooks/n/save").status_code == 200
    assert api.get("/api/notebooks").json["notebooks"][0]["name"] == "\ud800"
    shown = stored(api, "/api/notebooks/n")
    assert stored(make_api(), "/api/notebooks/n") == shown


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "text": b'"x"',
    "binary": bytes(range(256)),
    "UTF-16": MINIMAL.encode("utf-16"),
    "half a file": MINIMAL[:-10].encode(),
    "two documents": b"{}{}",
    "cells are no list": b'{"cells": {}}',
    "cells hold text": b'{"cells": ["x"]}',
    "a cell without a type": b'{"cells": [{"content": "x"}]}',
    "a content that is no text": b'{"cells": [{"type": "ComputationCell", "content": 3}]}',
    "outputs are no list": b'{"cells": [{"type": "ComputationCell", "outputs": 3}]}',
    "an output without a type": b'{"cells": [{"type": "ComputationCell", "outputs": [{}]}]}',
    "temperature is text": b'{"cells": [{"type": "PromptCell", "temperature": "hot"}]}',
    "an id that is no text": b'{"notebook_id": 3, "cells": []}',
    "a name that is no text": b'{"name": [], "cells": []}',
    "a time that is none": b'{"created_at": "yesterday", "cells": []}',
    "NaN": b'{"metadata": {"x": NaN}, "cells": []}',
    "infinite": b'{"metadata": {"x": 1e999}, "cells": []}',
    "too deep": b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "metadata is text": b'{"metadata": "x", "cells": []}',
}


@pytest.mark.parametrize("ending", [".llmn", ".ipynb"])
def test_a_broken_file_is_an_answer(api, root, ending):
    for kind, data in BROKEN.items():
        (root / f"broken{ending}").write_bytes(data)
        answer = load(api, f"broken{ending}")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_notebook"), kind
        assert len(answer.json["error"]) < 400, kind
    assert api.get("/api/notebooks").json == {"notebooks": []}


@pytest.mark.parametrize("depth", [190, 400, 1000])
def test_nesting_is_kept_or_refused(make_api, root, depth):
    api = make_api()
    deep = "[" * depth + "]" * depth
    path = api.new_notebook()
    answer = api.put(path, data=f'{{"metadata": {{"x": {deep}}}}}', content_type="application/json")
    if depth > 200:
        assert answer.status_code == 400
        assert "nested" in answer.json["error"]
        return
    before = stored(api, path)
    assert api.post(f"{path}/save", {"filepath": "deep.llmn"}).status_code == 200
    api.delete(path)
    assert load(api, "deep.llmn").status_code == 201
    assert stored(api, path) == before
    shown = stored(api, path)
    assert stored(make_api(), path) == shown


# Attacks -------------------------------------------------------------------------------------


@pytest.fixture
def outside(folders) -> Path:
    (folders / "outside").mkdir()
    (folders / "outside" / "secret.llmn").write_text(MINIMAL)
    return folders / "outside"


@pytest.fixture
def traps(root, outside) -> Path:
    """A root folder full of things that are not plain files in it."""
    (root / "folder.llmn").mkdir()
    (root / "out.llmn").symlink_to(outside / "secret.llmn")
    (root / "new.llmn").symlink_to(outside / "new.llmn")
    (root / "away").symlink_to(outside, target_is_directory=True)
    (root / "loop.llmn").symlink_to(root / "loop2.llmn")
    (root / "loop2.llmn").symlink_to(root / "loop.llmn")
    (root / "null.llmn").symlink_to("/dev/null")
    (root / "zero.llmn").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.llmn")
    (root / "plain.llmn").write_text(MINIMAL)
    return root


ATTACKS = {
    "../outside/secret.llmn": 403,
    "x/../../outside/secret.llmn": 403,
    "{outside}/secret.llmn": 403,
    "/etc/passwd": 403,
    "/etc/x.llmn": 403,
    "//etc/x.llmn": 403,
    "~/x.llmn": 400,
    "out.llmn": 403,
    "new.llmn": 403,
    "away/secret.llmn": 403,
    "away/../x.llmn": 403,
    "null.llmn": 403,
    "zero.llmn": 403,
    "/dev/zero": 403,
    "/proc/self/environ": 403,
    "loop.llmn": 400,
    "pipe.llmn": 400,
    "folder.llmn": 400,
    ".": 400,
    "..": 403,
    "/": 403,
    "  ": 400,
    "\0": 400,
    "a\0.llmn": 400,
    "plain.llmn/x.llmn": 400,
    "nowhere/": 400,
    "nowhere/.llmn": 400,
    "nowhere/x.txt": 400,
    "nowhere/../../x.llmn": 403,
    "nowhere/" + "x" * 300 + ".llmn": 400,
    "x" * 300 + ".llmn": 400,
    "x/" * 1900 + "x.llmn": 400,
    "x/" * 1900 + ".llmn": 400,
    "x" * 4001: 400,
    "plain.txt": 400,
    "plain": 400,
    ".llmn": 400,
    "x.llmn\n": 400,
    "..\\..\\x": 400,
}


@pytest.mark.parametrize("how", ["save", "load"])
def test_paths_stay_within_the_root(api, traps, outside, how):
    path = api.new_notebook("x = 1")
    before = {one.name for one in traps.iterdir()}
    for attack, status in ATTACKS.items():
        filepath = attack.replace("{outside}", str(outside))
        answer = api.post(
            f"{path}/save" if how == "save" else "/api/notebooks/load", {"filepath": filepath}
        )
        assert answer.status_code == status, (attack, answer.json)
        assert str(outside) not in answer.json["error"]
    assert {one.name for one in traps.iterdir()} == before
    assert [one.name for one in outside.iterdir()] == ["secret.llmn"]
    assert (outside / "secret.llmn").read_text() == MINIMAL
    assert len(api.get("/api/notebooks").json["notebooks"]) == 1


@pytest.mark.parametrize("filepath", [3, None, ["x.llmn"], {"a": 1}])
def test_a_path_is_text(api, filepath):
    assert load(api, filepath).status_code == 400


@pytest.mark.parametrize("filepath", ["missing.llmn", "nowhere/missing.llmn"])
def test_a_file_that_does_not_exist(api, root, filepath):
    answer = load(api, filepath)
    assert (answer.status_code, answer.json["code"]) == (404, "no_such_file")
    assert str(root) not in answer.json["error"]
    assert list(root.iterdir()) == []


def test_the_path_of_a_file_to_load_is_not_left_out(api):
    assert load(api, "").status_code == 400


@pytest.mark.parametrize("filepath", ["a/b/c.llmn", "a/../b.llmn", "ü/é/日本.ipynb", "a b/c.llmn"])
def test_folders_that_a_save_needs_are_made(api, root, filepath):
    path = api.new_notebook("x = 1")
    for _ in range(2):
        saved = api.post(f"{path}/save", {"filepath": filepath})
        assert saved.status_code == 200
        assert saved.json["filepath"] == os.path.normpath(filepath)
        assert (root / saved.json["filepath"]).is_file()
    assert load(api, saved.json["filepath"]).status_code == 201


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(api, root, tmp_path):
    """Somebody swaps a folder and a symbolic link as fast as they can, while files are saved."""
    inside, elsewhere = root / "f", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "n.llmn").write_text(MINIMAL.replace("n1", "secret"))
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for step in (
                lambda: inside.symlink_to(elsewhere, target_is_directory=True),
                inside.unlink,
                inside.mkdir,
                lambda: shutil.rmtree(inside),
            ):
                with contextlib.suppress(OSError):  # a save has made the folder meanwhile
                    step()

    path = api.new_notebook("x = 1")
    before = (elsewhere / "n.llmn").read_bytes()
    thread = threading.Thread(target=swap)
    thread.start()
    statuses = set()
    try:
        for _ in range(300):
            statuses.add(api.post(f"{path}/save", {"filepath": "f/n.llmn"}).status_code)
            answer = load(api, "f/n.llmn")
            statuses.add(answer.status_code)
            assert answer.json.get("id") != "secret"
    finally:
        stop.set()
        thread.join()
    assert (elsewhere / "n.llmn").read_bytes() == before
    assert [one.name for one in elsewhere.iterdir()] == ["n.llmn"]
    assert statuses <= {200, 201, 400, 403, 404, 409}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(api, root):
    root.chmod(0o500)
    try:
        answer = api.post(f"{api.new_notebook()}/save")
        assert (answer.status_code, answer.json["code"]) == (409, "storage")
    finally:
        root.chmod(0o700)


def test_a_link_within_the_root_is_followed_and_stays(api, root):
    (root / "real.llmn").write_text(MINIMAL)
    (root / "link.llmn").symlink_to(root / "real.llmn")
    path = api.new_notebook(name="Through the link")
    assert api.post(f"{path}/save", {"filepath": "link.llmn"}).json["filepath"] == "real.llmn"
    assert (root / "link.llmn").is_symlink()
    assert json.loads((root / "real.llmn").read_text())["name"] == "Through the link"


# Downloads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["llmn", "ipynb"])
@pytest.mark.parametrize("name", ["N", "½ é 日本", 'a"b\r\nSet-Cookie: x=1', "..", "🎉"])
def test_a_download_is_a_file_with_a_name(api, root, kind, name):
    path = api.new_notebook("x = 1", name=name)
    answer = api.get(f"{path}/download?format={kind}")
    assert answer.status_code == 200
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii()
    assert "Set-Cookie" not in answer.headers
    (root / f"downloaded.{kind}").write_bytes(answer.get_data())
    api.delete(path)
    loaded = load(api, f"downloaded.{kind}").json
    assert api.cells(f"/api/notebooks/{loaded['id']}")[0]["content"] == "x = 1"
    assert list(root.iterdir()) == [root / f"downloaded.{kind}"]  # the server wrote none


def test_a_download_as_a_page_to_read(api):
    path = api.new_notebook("x = 1", name="N<b>")
    answer = api.get(f"{path}/download?format=html")
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "N&lt;b&gt;" in answer.get_data(as_text=True)


@pytest.mark.parametrize("kind", ["", "txt", ".llmn", "../x", "a" * 500])
def test_a_download_of_no_known_format(api, kind):
    answer = api.get(f"{api.new_notebook()}/download", query_string={"format": kind})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert "llmn, ipynb" in answer.json["error"]


def test_a_notebook_of_no_such_id(api):
    for call in (
        api.post("/api/notebooks/none/save"),
        api.get("/api/notebooks/none/download"),
        api.post("/api/notebooks/none/save", {"filepath": "/etc/passwd"}),
    ):
        assert (call.status_code, call.json["code"]) == (404, "no_such_notebook")


def test_what_of_a_file_was_not_taken_over_is_said(api, root):
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "Look at $`x`"}
    document = {"nbformat": 4, "nbformat_minor": 5, "cells": [cell]}
    (root / "d.ipynb").write_text(json.dumps({**document, "metadata": {"solveit_ver": 2}}))
    (notice,) = load(api, "d.ipynb").json["notices"]
    assert "values in notes" in notice
    (root / "n.llmn").write_text(MINIMAL)
    assert load(api, "n.llmn").json["notices"] == []
