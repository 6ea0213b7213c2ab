"""Notebooks that live in files: opened, written back, changed by other programs, and let go of."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from llm_repl_core import Notebook
from llm_repl_core.application import Application
from llm_repl_core.errors import StorageError
from llm_repl_core.files._folder import Folder
from llm_repl_server.services import tied_file

FOUR = ("llmn", "ipynb", "py", "md")


def write(path: Path, notebook: Notebook) -> Path:
    path.write_bytes(Application(entry_points=False).encode(notebook, path.name))
    return path


def read(path: Path) -> Notebook:
    return Application(entry_points=False).decode(path.name, path.read_bytes())


def texts(notebook: Notebook) -> list[str]:
    return [cell.content for cell in notebook]


def a_notebook(*codes: str) -> Notebook:
    notebook = Notebook("Sales", metadata={"other": {"tool": 1}})
    for code in codes:
        notebook.add_code(code)
    return notebook


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Have the server wait for less, where no other process is at work."""
    monkeypatch.setattr(tied_file, "_QUIET_S", 0.2)
    monkeypatch.setattr(tied_file, "_SETTLED_AFTER_S", 0.05)


class Tied:
    """A notebook of a server that lives in a file."""

    def __init__(self, api, until, path: Path) -> None:
        self.api, self.until, self.path = api, until, path
        answer = api.post("/api/notebooks/open", {"path": path.name})
        assert answer.status_code == 200, answer.json
        self.id = answer.json["id"]
        self.url = f"/api/notebooks/{self.id}"
        api.ear.followed.add(self.id)

    def file(self) -> dict:
        return self.api.get(self.url).json["file"]

    def contents(self) -> list[str]:
        return [cell["content"] for cell in self.api.cells(self.url)]

    def edit(self, index: int, content: str) -> None:
        cell = self.api.cells(self.url)[index]
        assert (
            self.api.put(f"{self.url}/cells/{cell['id']}", {"content": content}).status_code == 200
        )

    def wait(self, state: str = "saved") -> dict:
        return self.until(
            lambda: (file := self.file())["state"] == state and file, f"the file is {state}"
        )

    def taken(self) -> list:
        """The changes by others that were told: once they are in the database, which may be a moment."""
        return self.until(lambda: self.api.events("notebook_file_taken"), "it is told")

    def look(self) -> None:
        """Have the server look at the files that are followed, as it does every other second."""
        self.api.services.loop.call(self.api.services.notebook_files.look(), 30)

    def look_twice(self) -> None:
        self.look()
        self.look()


@pytest.fixture
def tied(api, until, root):
    def open_file(name: str = "sales.llmn", *codes: str) -> Tied:
        write(root / name, a_notebook(*(codes or ("a = 1", "b = 2"))))
        return Tied(api, until, root / name)

    return open_file


@pytest.mark.parametrize("suffix", FOUR)
def test_a_file_is_opened_once_and_written_when_its_notebook_is_edited(tied, api, until, suffix):
    one = tied(f"sales.{suffix}")
    before = one.path.read_bytes()
    assert one.file() == {
        "path": f"sales.{suffix}",
        "state": "saved",
        "error": None,
        "saved_at": one.file()["saved_at"],
    }
    again = api.post("/api/notebooks/open", {"path": str(one.path)}).json
    assert again["id"] == one.id
    assert one.path.read_bytes() == before
    one.edit(0, "a = 11")
    assert one.file()["state"] == "waiting"
    one.wait()
    notebook = read(one.path)
    assert texts(notebook) == ["a = 11", "b = 2"]
    assert notebook.metadata["other"] == {"tool": 1}
    assert notebook.id == read_id(before, one.path.name)

    def states():
        return [told.payload["file"]["state"] for told in api.events("notebook_file_state")]

    until(lambda: len(states()) == 2, "both changes are told")  # once they are in the database
    assert states() == ["waiting", "saved"]


def read_id(data: bytes, name: str) -> str:
    return Application(entry_points=False).decode(name, data).id


def test_what_a_run_gives_is_in_the_file_at_its_end(tied, api):
    one = tied("sales.ipynb", "print('so')")
    api.post(f"{one.url}/execute_all")
    one.wait()
    [cell] = nbformat.read(one.path, as_version=4).cells
    assert (cell.outputs[0].text, cell.execution_count) == ("so\n", 1)


@pytest.mark.parametrize("suffix", FOUR)
def test_another_program_s_change_is_taken_over_and_cells_stay_the_same(tied, api, suffix):
    one = tied(f"sales.{suffix}", "a = 1", "b = 2", "c = 3")
    api.post(f"{one.url}/execute_all")
    one.wait()
    cells = api.cells(one.url)
    theirs = read(one.path)
    theirs.change(theirs.cells[1].id, content="b = 22")
    theirs.move(theirs.cells[2].id, 0)
    theirs.add_markdown("New")
    write(one.path, theirs)
    api.told.clear()
    one.look()
    assert one.contents() == ["c = 3", "a = 1", "b = 22", "New"]
    after = api.cells(one.url)
    assert [cell["id"] for cell in after[:3]] == [cells[index]["id"] for index in (2, 0, 1)]
    assert after[1]["status"] == "completed"
    assert one.file()["state"] == "saved"
    [taken] = one.taken()
    assert (taken.payload["merged"], taken.payload["conflicts"]) == (False, [])
    assert {"cell_moved", "cell_created", "cell_changed"} <= {told.event for told in api.told}
    assert api.told[-1].event in ("notebook_file_taken", "cells_stale", "notebook_file_state")
    saved = api.services.store.load_notebook(one.id)
    assert texts(saved) == one.contents()


def test_changes_here_and_there_are_merged(tied, api):
    one = tied()
    theirs = read(one.path)
    theirs.change(theirs.cells[1].id, content="b = 22")
    write(one.path, theirs)
    one.edit(0, "a = 11")
    one.wait()
    assert one.contents() == ["a = 11", "b = 22"] == texts(read(one.path))
    assert [told.payload["merged"] for told in one.taken()] == [True]


def test_what_is_written_as_soon_as_the_file_is_there_is_taken_over(tied, monkeypatch):
    """Before the server has looked at what it wrote."""
    one = tied()
    make_durable = Folder.make_durable

    def write_by_another_program(folder):
        monkeypatch.undo()
        theirs = read(one.path)
        theirs.change(theirs.cells[1].id, content="b = 22")
        write(one.path, theirs)
        make_durable(folder)

    monkeypatch.setattr(Folder, "make_durable", write_by_another_program)
    one.edit(0, "a = 11")
    one.wait()
    one.look_twice()
    assert one.contents() == ["a = 11", "b = 22"] == texts(read(one.path))


def test_a_conflict_is_a_cell_with_both_texts_until_somebody_chooses(tied, api):
    one = tied("sales.ipynb", "a = 1")
    theirs = read(one.path)
    theirs.change(theirs.cells[0].id, content="a = 'there'")
    write(one.path, theirs)
    one.edit(0, "a = 'here'")
    one.wait()
    [cell] = api.cells(one.url)
    assert cell["content"].splitlines() == [
        "<<<<<<< this notebook",
        "a = 'here'",
        "=======",
        "a = 'there'",
        ">>>>>>> the file",
    ]
    assert cell["metadata"]["llm_repl"]["merge_conflict"]["theirs"] == "a = 'there'"
    [taken] = one.taken()
    assert len(taken.payload["conflicts"]) == 1
    assert api.post(f"{one.url}/cells/{cell['id']}/execute").status_code == 409
    one.edit(0, "a = 'both'")
    one.wait()
    assert api.cells(one.url)[0]["metadata"] == {}
    assert "merge_conflict" not in one.path.read_text()


def test_cells_without_ids_are_known_by_their_texts(api, until, root):
    path = root / "plain.py"
    path.write_text("# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nc = 3\n")
    one = Tied(api, until, path)
    cells = api.cells(one.url)
    path.write_text("# %%\nnew = 0\n\n# %%\na = 1\n\n# %%\nb = 2 + 2\n")
    one.look()
    after = api.cells(one.url)
    assert one.contents() == ["new = 0", "a = 1", "b = 2 + 2"]
    assert [cell["id"] for cell in after[1:]] == [cell["id"] for cell in cells[:2]]
    assert path.read_text().startswith("# %%\nnew")


def test_windows_line_ends_stay(api, until, root):
    path = root / "plain.py"
    path.write_bytes(b"# %%\r\na = 1\r\nb = 1\r\n")
    one = Tied(api, until, path)
    assert one.contents() == ["a = 1\nb = 1"]
    one.edit(0, "a = 2\nb = 1")
    one.wait()
    data = path.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") > 2


@pytest.mark.parametrize("broken", [b"", b'{"cells": [', b"\xff\xfe"])
def test_a_file_that_is_no_notebook_any_more_is_said_and_left_alone(tied, broken):
    one = tied("sales.ipynb")
    good = one.path.read_bytes()
    one.path.write_bytes(broken)
    one.look()
    assert one.file()["state"] == "saved"  # perhaps it is being written
    one.look()
    assert one.file()["state"] == "unreadable"
    assert "sales.ipynb" in one.file()["error"]
    one.edit(0, "a = 11")
    one.look()
    assert one.path.read_bytes() == broken
    assert one.contents() == ["a = 11", "b = 2"]
    one.path.write_bytes(good)
    one.look()
    one.wait()
    assert texts(read(one.path)) == ["a = 11", "b = 2"]


def test_a_file_that_is_gone_is_said_and_written_anew_when_somebody_says_so(tied, api):
    one = tied()
    one.path.unlink()
    one.look_twice()
    assert one.file()["state"] == "missing"
    one.edit(0, "a = 11")
    one.wait("missing")
    assert not one.path.exists()
    assert api.post(f"{one.url}/file/write").json["state"] == "saved"
    assert texts(read(one.path)) == ["a = 11", "b = 2"]


def test_a_file_that_cannot_be_written_is_said_and_written_later(tied, api, root, monkeypatch):
    one = tied()
    names = "llm_repl_server.services.file_on_disk.write_atomically"

    def refuse(*_arguments, **_options):
        raise StorageError("sales.llmn cannot be written: the file is read-only.")

    with monkeypatch.context() as patch:
        patch.setattr(names, refuse)
        one.edit(0, "a = 11")
        assert "read-only" in one.wait("not_written")["error"]
        assert api.post(f"{one.url}/file/write").status_code == 409
        assert one.contents()[0] == "a = 11"
    one.edit(1, "b = 22")
    one.wait()
    assert texts(read(one.path)) == ["a = 11", "b = 22"]


def test_a_moved_file_is_the_same_notebook(tied, api, root):
    one = tied()
    one.path.rename(root / "moved.llmn")
    opened = api.post("/api/notebooks/open", {"path": "moved.llmn"}).json
    assert (opened["id"], opened["file"]["path"]) == (one.id, "moved.llmn")
    one.edit(0, "a = 11")
    one.wait()
    assert texts(read(root / "moved.llmn")) == ["a = 11", "b = 2"]
    assert not one.path.exists()


def test_a_copied_file_is_a_notebook_of_its_own_and_keeps_its_id(tied, api, until, root):
    one = tied()
    (root / "copy.llmn").write_bytes(one.path.read_bytes())
    other = Tied(api, until, root / "copy.llmn")
    assert other.id != one.id
    other.edit(0, "a = 11")
    other.wait()
    assert json.loads(other.path.read_text())["notebook_id"] == one.id
    assert one.contents() == ["a = 1", "b = 2"]


def test_a_copy_lives_in_no_file_and_a_deleted_notebook_leaves_its_file(tied, api):
    one = tied()
    copy = api.post(f"{one.url}/duplicate", {}).json["id"]
    assert api.get(f"/api/notebooks/{copy}").json["file"] is None
    one.edit(0, "a = 11")
    api.delete(one.url)
    assert texts(read(one.path)) == ["a = 11", "b = 2"]  # the last edit, too
    assert api.post(f"/api/bin/{one.id}/restore").status_code == 200
    assert one.file()["path"] == "sales.llmn"
    api.delete(one.url)
    opened = api.post("/api/notebooks/open", {"path": "sales.llmn"}).json
    assert opened["id"] == one.id  # the file's; what is in the bin has another one
    [binned] = api.get("/api/bin").json["notebooks"]
    api.post(f"/api/bin/{binned['id']}/restore")
    assert api.get(f"/api/notebooks/{binned['id']}").json["file"] is None


def test_a_notebook_that_is_let_go_of_stays_and_so_does_its_file(tied, api):
    one = tied()
    one.edit(0, "a = 11")
    assert api.delete(f"{one.url}/file").json == {"success": True}
    assert api.delete(f"{one.url}/file").json == {"success": True}
    assert texts(read(one.path)) == ["a = 11", "b = 2"]
    assert one.file() is None
    assert api.events("notebook_file_state")[-1].payload["file"] is None
    one.edit(0, "a = 111")
    assert api.post(f"{one.url}/file/write").status_code == 409
    assert texts(read(one.path)) == ["a = 11", "b = 2"]


def test_a_notebook_that_was_imported_lives_in_the_file_when_that_is_opened(api, root):
    write(root / "sales.llmn", a_notebook("a = 1"))
    loaded = api.post("/api/notebooks/load", {"filepath": "sales.llmn"}).json
    assert api.get(f"/api/notebooks/{loaded['id']}").json["file"] is None
    assert api.post("/api/notebooks/open", {"path": "sales.llmn"}).json["id"] == loaded["id"]
    assert api.get(f"/api/notebooks/{loaded['id']}").json["file"]["path"] == "sales.llmn"


@pytest.mark.parametrize(
    ("path", "status"),
    [("../out.llmn", 403), ("link.llmn", 403), ("none.llmn", 404), ("a.txt", 400), ("folder", 400)],
)
def test_what_cannot_be_opened(api, root, path, status):
    (root / "folder").mkdir()
    (root.parent / "out.llmn").write_text("{}")
    (root / "link.llmn").symlink_to(root.parent / "out.llmn")
    answer = api.post("/api/notebooks/open", {"path": path})
    assert answer.status_code == status, answer.json
    assert api.get("/api/notebooks").json["notebooks"] == []


def test_a_link_that_takes_the_place_of_the_file_is_not_followed(tied, root):
    one = tied()
    outside = write(root.parent / "out.llmn", a_notebook("secret"))
    one.path.unlink()
    one.path.symlink_to(outside)
    one.look_twice()
    assert one.file()["state"] in ("unreadable", "missing")
    assert one.contents() == ["a = 1", "b = 2"]
    one.edit(0, "mine")
    one.look_twice()
    assert texts(read(outside)) == ["secret"]


def test_after_a_restart_the_tie_stands_and_what_was_not_written_is(make_api, until, root):
    path = write(root / "sales.py", a_notebook("a = 1", "b = 2"))
    one = Tied(make_api(), until, path)
    one.edit(0, "a = 11")
    one.api = make_api()  # which stops the first server
    assert one.contents()[0] == "a = 11"
    assert texts(read(path)) == ["a = 11", "b = 2"]
    assert one.file()["state"] == "saved"


def test_two_servers_share_a_file_and_lose_nothing_when_one_is_killed(
    tmp_path, start_server, until
):
    path = write(tmp_path / "root" / "sales.llmn", a_notebook("a = 1", "b = 2"))
    servers = [
        start_server("--database-url", f"sqlite:///{tmp_path / name}") for name in ("1.db", "2.db")
    ]
    ids = {
        server("POST", "/api/notebooks/open", {"path": path.name})[1]["id"] for server in servers
    }
    [notebook_id] = ids
    listeners = [server.listener(notebook_id) for server in servers]
    url = f"/api/notebooks/{notebook_id}"
    cells = [cell["id"] for cell in servers[0]("GET", url)[1]["cells"]]
    for number, (server, cell_id) in enumerate(zip(servers, cells, strict=True)):
        server("PUT", f"{url}/cells/{cell_id}", {"content": f"by_server = {number}"})
    wanted = ["by_server = 0", "by_server = 1"]
    for server, listener in zip(servers, listeners, strict=True):
        until(
            lambda server=server: (
                [cell["content"] for cell in server("GET", url)[1]["cells"]] == wanted
            ),
            "both have both",
        )
        until(lambda server=server: server("GET", url)[1]["file"]["state"] == "saved", "saved")
        assert "notebook_file_state" in listener.names()
    assert texts(read(path)) == wanted
    # What was not written when it was killed is written by the next server.
    servers[0]("PUT", f"{url}/cells/{cells[0]}", {"content": "last = 1"})
    servers[0].kill()
    start_server("--database-url", f"sqlite:///{tmp_path / '1.db'}")
    until(lambda: texts(read(path)) == ["last = 1", wanted[1]], "it is written")


def test_a_run_does_not_touch_a_file_that_has_no_place_for_what_it_gives(api, until, root):
    path = root / "plain.py"
    path.write_text("# %%\na = 1\n")
    one = Tied(api, until, path)
    api.post(f"{one.url}/execute_all")
    one.wait()
    api.post(f"{one.url}/clear_outputs")
    one.wait()
    assert path.read_text() == "# %%\na = 1\n"
