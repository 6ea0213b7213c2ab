"""Paths and names of files, whatever they are made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import LLMReplError
from llm_repl_server.services.paths import resolve_under, safe_name

TEXT = st.text(st.characters(), max_size=300)


@given(TEXT)
def test_a_safe_name_is_a_file_name(name):
    made = safe_name(name)
    assert made
    assert not set(made) & set('/\\\0:*?"<>|\n\r')
    assert made not in (".", "..")
    assert len(made.encode()) <= 200
    assert made == made.strip(" ")
    assert safe_name(made) == made


@pytest.mark.parametrize(
    ("name", "made"),
    [("Sales 2024", "Sales 2024"), ("a/b", "a_b"), ("..", "Untitled"), ("", "Untitled"),
     ("ü 日本", "ü 日本"), ("../../etc/passwd", "_.._etc_passwd"), (".hidden", "hidden")],
)  # fmt: skip
def test_safe_names(name, made):
    assert safe_name(name) == made


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root").resolve()
    (folder / "inner").mkdir()
    (folder / "inner" / "file.llmn").touch()
    (folder / "out").symlink_to(folder.parent, target_is_directory=True)
    return folder


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "inner",
        "out",
        "file.llmn",
        "new.llmn",
        "~",
        "\0",
        "a" * 300,
        "ü",
        "\ud800",
        "/",
    ]
)


@given(st.lists(PIECES | TEXT, max_size=8), st.booleans())
def test_no_path_leads_out_of_the_root(root, pieces, absolute):
    named = ("/" if absolute else "") + "/".join(pieces)
    try:
        path = resolve_under(root, named)
    except LLMReplError:
        return
    assert path.is_relative_to(root)
    assert path.resolve() == path
    assert not path.is_dir()


def test_paths_within_the_root(root):
    for named in ("new.llmn", "inner/file.llmn", "./inner/../new.llmn", str(root / "new.llmn")):
        assert resolve_under(root, named).is_relative_to(root)
