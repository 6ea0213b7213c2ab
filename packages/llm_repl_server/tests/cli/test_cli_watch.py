"""A watched notebook: what an edit makes out of date runs again, in the same kernel."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, Session, load_notebook, save_notebook
from llm_repl_server.cli.edits import take_edits

pytestmark = pytest.mark.one_python


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """What it prints up to a line that has a text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"it ended without {text!r}: {lines}")


@pytest.mark.parametrize("name", ["w.llmn", "w.py"])
def test_an_edit_runs_what_it_makes_out_of_date(
    start_llm_repl: Callable[..., subprocess.Popen[str]], tmp_path: Path, name: str
) -> None:
    document = Notebook("Watched")
    document.add_code("print('slow part')\nn = 3")
    document.add_code("print('n is', n)")
    document.add_code("print('alone')")
    path = tmp_path / name
    save_notebook(document, path)
    process = start_llm_repl("run", "--no-log", name, "--watch", "-o", name)
    first = read_until(process, f"Watching {name}")
    assert [line for line in first if line in ("slow part", "n is 3", "alone")] == [
        "slow part",
        "n is 3",
        "alone",
    ]
    # Its own writing is no edit; another program's is, and half of one is told and waited out.
    path.write_text(path.read_text().replace("'n is'", "'n was'"))
    second = read_until(process, f"Watching {name}")
    assert [line for line in second if line.endswith("3") or line == "slow part"] == ["n was 3"]
    good = path.read_text()
    path.write_text(good[: len(good) // 2] if name.endswith("n") else "")
    assert "Error: " in "\n".join(read_until(process, f"Watching {name}"))
    path.write_text(good.replace("n = 3", "n = 4"))
    third = read_until(process, f"Watching {name}")
    assert "n was 4" in third
    assert "alone" not in third
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert load_notebook(path).cells[1].content == "print('n was', n)"


@pytest.mark.parametrize("watch", [True, False])
def test_what_is_edited_during_a_run_stays(
    start_llm_repl: Callable[..., subprocess.Popen[str]], tmp_path: Path, watch: bool
) -> None:
    document = Notebook("Edited")
    document.add_code("n = 3")
    document.add_code(
        "import pathlib\npath = pathlib.Path('e.ipynb')\n"
        "path.write_text(path.read_text().replace('n = 3', 'n = 4'))"
    )
    document.add_code("print('n is', n)")
    path = tmp_path / "e.ipynb"
    save_notebook(document, path)
    process = start_llm_repl("run", "--no-log", "e.ipynb", "-o", "e.ipynb", *["--watch"] * watch)
    if watch:
        assert "n is 4" in read_until(process, "Watching e.ipynb")
        process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if watch else 0), rest
    assert ("was edited while it ran" in rest) != watch
    cells = load_notebook(path).cells
    assert cells[0].content == "n = 4"
    assert [cell.stale for cell in cells] == [not watch] * 3
    assert cells[2].outputs[0].content == ("n is 4\n" if watch else "n is 3\n")


def test_edits_are_taken_by_id_and_mark_what_follows() -> None:
    document = Notebook("Edits")
    for code in ("a = 1", "b = a", "c = b", "d = 4"):
        document.add_code(code)
    with Session(document) as session:
        session.run()
        first, second, third, fourth = document.cells
        fresh = Notebook("Other name", metadata={"author": "me"})
        fresh.insert(second.copy(id=second.id))
        fresh.insert(first.copy(id=first.id))
        fresh[first.id].content = "a = 2"
        fresh.add_code("e = 5")
        fresh.insert(third.copy())  # another program has given it another id
        take_edits(session, fresh)
        assert [cell.content for cell in document] == ["b = a", "a = 2", "e = 5", "c = b"]
        assert document.cells[3].id == third.id
        assert fourth.id not in document
        assert (document.name, document.metadata) == ("Other name", {"author": "me"})
        assert [cell.stale or cell.status == "idle" for cell in document] == [True] * 4
        # The same again changes nothing.
        revision = [(cell.id, cell.status, cell.stale) for cell in document]
        take_edits(session, fresh)
        assert [(cell.id, cell.status, cell.stale) for cell in document] == revision
