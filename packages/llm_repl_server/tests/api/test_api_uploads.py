"""What a browser hands over: files under the root folder, notebooks, and requests that are sent again."""

from __future__ import annotations

import base64
import uuid

import pytest


def _upload(api, path: str, data: bytes = b"a,b\n1,2\n"):
    return api.post("/api/files", {"path": path, "data": base64.b64encode(data).decode()})


def test_a_file_is_kept_where_code_finds_it(api, root):
    answer = _upload(api, "data/table.csv")
    assert (answer.status_code, answer.json) == (201, {"path": "data/table.csv", "size_bytes": 8})
    assert (root / "data" / "table.csv").read_bytes() == b"a,b\n1,2\n"


def test_a_file_that_is_there_is_not_overwritten(api, root):
    (root / "table.csv").write_text("mine")
    assert _upload(api, "table.csv").json["path"] == "table-2.csv"
    assert _upload(api, "table.csv").json["path"] == "table-3.csv"
    assert (root / "table.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../out.csv", 400),
        ("/etc/out.csv", 400),
        (".hidden", 400),
        ("", 400),
        ("a\0b", 400),
        ("x" * 400, 400),
    ],
)
def test_a_path_that_cannot_be_used_is_refused(api, root, path, status):
    assert _upload(api, path).status_code == status
    assert list(root.iterdir()) == []


def test_a_link_that_leads_out_is_refused(api, root, tmp_path):
    (root / "out").symlink_to(tmp_path)
    assert _upload(api, "out/a.csv").status_code == 403
    assert not (tmp_path / "a.csv").exists()


def test_a_path_through_a_file_is_refused(api, root):
    (root / "a").write_text("x")
    assert _upload(api, "a/b.csv").status_code == 400


def test_files_of_one_name_that_come_at_once_are_all_kept(api, root, in_thread):
    uploads = [in_thread(_upload, api, "t.csv", str(number).encode()) for number in range(8)]
    paths = {upload.result().json["path"] for upload in uploads}
    assert len(paths) == 8
    assert {int((root / path).read_text()) for path in paths} == set(range(8))


def test_what_is_no_base64_is_refused(api):
    assert api.post("/api/files", {"path": "a.csv", "data": "!"}).status_code == 400


def test_a_folder_is_listed_by_name_without_what_is_hidden(api, root):
    (root / "b.txt").write_text("12345")
    (root / "A").mkdir()
    (root / ".secret").write_text("x")
    (root / "gone").symlink_to(root / "nowhere")
    listing = api.get("/api/files").json
    assert [
        (entry["name"], entry["kind"], entry["size_bytes"]) for entry in listing["entries"]
    ] == [
        ("A", "folder", None),
        ("b.txt", "file", 5),
    ]
    assert api.get("/api/files?folder=A").json["entries"] == []
    assert api.get("/api/files?folder=..").status_code == 403
    assert api.get("/api/files?folder=none").status_code == 404
    assert api.get("/api/files?folder=b.txt").status_code == 404


def test_a_notebook_is_made_of_a_files_text(api):
    path = api.new_notebook("x = 1", name="Mine")
    text = api.get(f"{path}/download?format=ipynb").text
    answer = api.post("/api/notebooks/import", {"filename": "Mine.ipynb", "text": text})
    assert answer.status_code == 201
    imported = api.get(f"/api/notebooks/{answer.json['id']}").json
    assert [cell["content"] for cell in imported["cells"]] == ["x = 1"]


@pytest.mark.parametrize(
    ("filename", "text"), [("a.txt", "{}"), ("a.llmn", "no"), ("a.ipynb", "[]"), ("", "{}")]
)
def test_a_file_that_is_no_notebook_is_refused(api, filename, text):
    before = len(api.get("/api/notebooks").json["notebooks"])
    assert (
        api.post("/api/notebooks/import", {"filename": filename, "text": text}).status_code == 400
    )
    assert len(api.get("/api/notebooks").json["notebooks"]) == before


def test_a_cell_that_is_asked_for_twice_is_made_once(api):
    path = api.new_notebook()
    key = str(uuid.uuid4())
    first, again = (
        api.post(
            f"{path}/cells", {"type": "code", "content": "x"}, headers={"Idempotency-Key": key}
        )
        for _ in range(2)
    )
    assert first.json == again.json
    assert [cell["id"] for cell in api.cells(path)] == [key]
    bad = api.post(f"{path}/cells", {"type": "code"}, headers={"Idempotency-Key": "7"})
    assert bad.status_code == 400


def _piece(api, path: str, data: bytes, offset: int):
    body = {"path": path, "data": base64.b64encode(data).decode(), "offset": offset}
    return api.post("/api/files", body)


def test_a_large_file_comes_in_pieces_each_safe_to_be_sent_twice(api, root):
    (root / "t.csv").write_text("mine")
    path = _piece(api, "t.csv", b"a;b\n", 0).json["path"]
    assert path == "t-2.csv"
    for _ in range(2):
        assert _piece(api, path, b"1;2\n", 4).json == {"path": path, "size_bytes": 8}
    assert _piece(api, path, b"3;4\n", 4).status_code == 409
    assert _piece(api, path, b"3;4\n", 12).status_code == 409
    assert _piece(api, "t.csv", b"more", 4).status_code == 409  # it did not come from here
    assert (root / path).read_bytes() == b"a;b\n1;2\n"
    assert (root / "t.csv").read_text() == "mine"
    reading = api.get("/api/files/reading", query_string={"path": path}).json
    assert "t-2.csv" in reading["code"]
    plain = api.get("/api/files/reading", query_string={"path": path, "pandas": "false"}).json
    assert "csv.DictReader" in plain["code"]
    assert api.get("/api/files/reading", query_string={"path": "no.csv"}).status_code == 404
    assert api.get("/api/files/reading", query_string={"path": "../a.csv"}).status_code in (
        400,
        403,
    )
