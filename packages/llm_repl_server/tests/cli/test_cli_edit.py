"""`llm-repl edit`: what is not touched stays, and what is typed is never lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import (
    CodeCell,
    InvalidInput,
    MarkdownCell,
    Notebook,
    Output,
    PromptCell,
    load_notebook,
    save_notebook,
)
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_server.cli.edit_text import EditText

RunCommand = Callable[..., subprocess.CompletedProcess[str]]

TEXTS = st.lists(
    st.sampled_from(["x = 1", "", "%% code", "%%% 1 code", "%%time", "é\r\nb", "\ud800", "  "]),
    max_size=4,
).map("\n".join)
CELLS = st.lists(
    st.builds(CodeCell, content=TEXTS)
    | st.builds(MarkdownCell, content=TEXTS)
    | st.builds(
        PromptCell,
        content=TEXTS,
        model=st.sampled_from([None, "mock/echo"]),
        temperature=st.sampled_from([None, 0.0, 1]),
        schema=st.sampled_from([None, "a, b int", {"type": "object"}]),
        system=st.sampled_from([None, "\ud800 {x}\n%% code"]),
    ),
    max_size=5,
)


@given(cells=CELLS)
@settings(max_examples=60)
def test_a_text_that_was_not_edited_changes_nothing(cells):
    notebook = Notebook("N", cells=cells)
    text = EditText(notebook, CellTypes())
    assert text.take(text.write()) == []
    assert all(after is before for after, before in zip(notebook, cells, strict=True))


@given(cells=CELLS, at=st.integers(0, 4), content=TEXTS)
@settings(max_examples=60)
def test_one_edited_cell_leaves_the_others(cells, at, content):
    assumed = [cell for cell in cells if "\r" not in cell.content and "\ud800" not in cell.content]
    notebook = Notebook("N", cells=assumed)
    text = EditText(notebook, CellTypes())
    marker = text.write().partition("number: ")[2].partition(" ")[0]
    written = text.write() + f"\n{marker} code\nnew = 1\n"
    changed = text.take(written)
    assert [cell.content for cell in notebook][-1] == "new = 1"
    assert list(notebook.cells[:-1]) == assumed
    assert changed == [notebook.cells[-1].id]


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    document = Notebook("Trip", metadata={"mine": 1})
    code = document.add_code("city = 'Oslo'")
    code.outputs, code.status, code.metadata = [Output.stdout("ran")], "completed", {"tags": ["a"]}
    prompt = document.add_prompt("Tell of {city}.", model="mock/echo", response_var="story")
    prompt.outputs, prompt.status = [Output.llm_response("p", "Oslo")], "completed"
    document.add_markdown("# End")
    save_notebook(document, tmp_path / "trip.llmn")
    return document


def _edit(
    llm_repl: RunCommand, folder: Path, code: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Edit with an editor that does something with the text, and leaves."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        f"open({str(folder / 'seen')!r}, 'w').write(text)\n{code}\npath.write_text(text)\n"
    )
    return llm_repl("edit", "trip.llmn", *arguments, VISUAL=f"{sys.executable} {script}")


def test_cells_are_edited_moved_added_and_deleted(
    forked_llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    code = (
        "head, one, two, three = text.split('\\n%% ')\n"
        "two = two.replace('\"mock/echo\"', '\"mock/list:a\"').replace('Tell', 'Say')\n"
        "text = '\\n%% '.join([head, two, one, 'prompt {\"temperature\": 0.5}\\nNew?'])"
    )
    ended = _edit(forked_llm_repl, tmp_path, code)
    assert (ended.returncode, ended.stderr) == (0, "trip.llmn: 2 cells changed.\n")
    after = load_notebook(tmp_path / "trip.llmn")
    assert [cell.content for cell in after] == ["Say of {city}.", "city = 'Oslo'", "New?"]
    assert after.cells[0].id == notebook.cells[1].id
    assert after.cells[0].options()["model"] == "mock/list:a"
    assert after.cells[0].options()["response_var"] == "story"
    assert after.cells[1] == notebook.cells[0]
    assert after.cells[2].options()["temperature"] == 0.5
    assert (after.id, after.metadata) == (notebook.id, notebook.metadata)
    assert list((tmp_path / "data" / "edits").iterdir()) == []


def test_what_depends_on_an_edited_cell_is_stale(
    forked_llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    _edit(forked_llm_repl, tmp_path, "text = text.replace('Oslo', 'Rome')", "1")
    after = load_notebook(tmp_path / "trip.llmn")
    assert after.cells[0].content == "city = 'Rome'"
    assert [cell.stale for cell in after] == [True, True, False]
    assert after.cells[1].outputs == notebook.cells[1].outputs
    assert (tmp_path / "seen").read_text() == "city = 'Oslo'\n"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("text = text.replace('%% 2', '%% 7')", "Line 8 names cell 7, and there were 3"),
        ("text = text.replace('%% 2', '%% 1')", "Line 8 names cell 1 again"),
        ("text = text.replace('2 prompt {', '2 prompt {x')", "The options in line 8 are no JSON"),
        ("text = text.replace('1 code', '1 cdoe')", "Line 5 has no type of cell `cdoe`"),
        ("text = text.replace('\"model\"', '\"modle\"')", "has no field `modle`"),
        ("text = 'what is this\\n' + text", "Line 1 belongs to no cell"),
    ],
)
def test_a_broken_text_is_kept_and_offered_again(
    forked_llm_repl: RunCommand,
    notebook: Notebook,
    tmp_path: Path,
    code: str,
    sentence: str,
) -> None:
    before = (tmp_path / "trip.llmn").read_bytes()
    ended = _edit(forked_llm_repl, tmp_path, code)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Your text is kept" in ended.stderr
    assert (tmp_path / "trip.llmn").read_bytes() == before
    broken = (tmp_path / "seen").read_text()
    ended = _edit(forked_llm_repl, tmp_path, "")
    assert "This goes on with the text that could not be taken over" in ended.stderr
    assert (tmp_path / "seen").read_text() != broken
    ended = _edit(forked_llm_repl, tmp_path, "", "--discard")
    assert (ended.returncode, ended.stderr) == (0, "Nothing was changed.\n")
    assert (tmp_path / "seen").read_text() == broken


def test_a_notebook_that_somebody_else_changed_is_left(
    forked_llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    other = json.dumps(json.loads((tmp_path / "trip.llmn").read_text()) | {"name": "Other"})
    code = (
        f"pathlib.Path('trip.llmn').write_text({other!r})\ntext += '\\n'.join(['', '%% code', 'b'])"
    )
    ended = _edit(forked_llm_repl, tmp_path, code)
    assert ended.returncode != 0
    assert "was changed while it was edited" in ended.stderr
    assert load_notebook(tmp_path / "trip.llmn").name == "Other"
    [kept] = (tmp_path / "data" / "edits").iterdir()
    assert kept.read_text().endswith("%% code\nb")
    assert kept.stat().st_mode & 0o077 == 0


def test_an_editor_that_fails(forked_llm_repl: RunCommand, notebook: Notebook) -> None:
    ended = forked_llm_repl("edit", "trip.llmn", VISUAL="false")
    assert ended.returncode == 2
    assert "The editor `false` failed. The text is kept" in ended.stderr
    assert "There is no cell 4" in forked_llm_repl("edit", "trip.llmn", "4").stderr


def test_an_editor_that_is_not_there(
    forked_llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    ended = forked_llm_repl("edit", "trip.llmn", VISUAL="no-such-editor --wait")
    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: There is no editor `no-such-editor --wait`: name another in $VISUAL or $EDITOR.\n"
    )
    assert list((tmp_path / "data" / "edits").iterdir()) == []  # nobody has written in it


def test_a_line_of_ones_own_that_looks_like_a_mark_is_text() -> None:
    notebook = Notebook(cells=[CodeCell(content="%%time\nx")])
    text = EditText(notebook, CellTypes())
    assert "%%% 1 code\n%%time\nx\n" in text.write()
    with pytest.raises(InvalidInput, match="Line 5 cannot be read"):
        text.take(text.write().replace("%%% 1 code", "%%% 1 co de"))
