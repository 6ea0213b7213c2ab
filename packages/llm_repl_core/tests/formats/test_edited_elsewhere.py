"""Files that were edited or run elsewhere: what does not belong together any more is stale."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import Application, Notebook, Session
from llm_repl_core.model.cell import Cell

SEPARATOR = "##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->"


class Edited:
    """A notebook that ran and was saved, to be edited in its file."""

    def __init__(self, path: Path, notebook: Notebook) -> None:
        self.path = path
        self.application = Application(entry_points=False)
        with Session(notebook) as session:
            session.run()
        self.application.save(notebook, path)

    def edit(self, change: Callable[[Any], object]) -> list[tuple[str, bool]]:
        """Each cell's status and whether it is stale, when the changed file is loaded."""
        document = json.loads(self.path.read_bytes())
        change(document)
        self.path.write_text(json.dumps(document), "utf-8")
        return states(self.application.load(self.path))

    def edit_cell(self, place: int, **fields: Any) -> list[tuple[str, bool]]:
        def change(document: Any) -> None:
            cell = document["cells"][place]
            if self.path.suffix == ".llmn":
                fields.update({"content": fields.pop("source")} if "source" in fields else {})
            cell.update(fields)

        return self.edit(change)


def states(notebook: Notebook) -> list[tuple[str, bool]]:
    return [(cell.status, cell.stale) for cell in notebook]


FRESH, EDITED, DEPENDENT = ("completed", False), ("idle", True), ("completed", True)


@pytest.fixture(params=[".llmn", ".ipynb"])
def edited(request: pytest.FixtureRequest, tmp_path: Path) -> Edited:
    notebook = Notebook()
    notebook.add_code("x = 1\nx")
    notebook.add_code("x + 1")
    notebook.add_prompt("Say {x}", model="echo")
    notebook.add_markdown("# Notes")
    notebook.add_prompt("Say it", model="echo", context="above")
    return Edited(tmp_path / f"a{request.param}", notebook)


def test_what_nobody_edited_is_fresh(edited: Edited) -> None:
    assert edited.edit(lambda _: None) == [FRESH] * 5


def test_code_that_was_edited_is_stale_with_what_depends_on_it(edited: Edited) -> None:
    found = edited.edit_cell(0, source="x = 2\nx")
    assert found == [EDITED, DEPENDENT, DEPENDENT, FRESH, DEPENDENT]
    kept = edited.application.load(edited.path)
    assert [output.content for output in kept.cells[0].outputs] == ["1"], "nothing is lost"


def test_a_cell_stays_stale_when_it_is_saved_and_loaded_again(edited: Edited) -> None:
    found = edited.edit_cell(0, source="x = 2\nx")
    again = edited.application.load(edited.path)
    edited.application.save(again, edited.path)
    assert states(edited.application.load(edited.path)) == found


def test_a_cell_that_runs_is_fresh_again(edited: Edited) -> None:
    edited.edit_cell(0, source="x = 2\nx")
    notebook = edited.application.load(edited.path)
    with Session(notebook) as session:
        session.run()
    assert [cell.stale for cell in notebook] == [False] * 5
    edited.application.save(notebook, edited.path)
    assert edited.edit(lambda _: None) == [FRESH] * 5


def test_markdown_that_was_edited_makes_stale_what_was_sent_it(edited: Edited) -> None:
    assert edited.edit_cell(3, source="# Other") == [FRESH, FRESH, FRESH, EDITED, DEPENDENT]


def test_an_option_of_a_prompt_counts_as_its_template_does(edited: Edited) -> None:
    def change(document: Any) -> None:
        cell = document["cells"][2]
        (cell if edited.path.suffix == ".llmn" else cell["metadata"]["llm_repl"])["model"] = "other"

    assert edited.edit(change)[2] == EDITED


def test_a_flag_for_other_cells_is_no_edit(edited: Edited) -> None:
    def change(document: Any) -> None:
        cell = document["cells"][1]
        (cell if edited.path.suffix == ".llmn" else cell["metadata"]["llm_repl"])["pinned"] = True

    assert edited.edit(change)[1] == FRESH


def test_a_cell_that_was_edited_and_run_elsewhere_is_fresh(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("x = 1\nx")
    edited = Edited(tmp_path / "a.ipynb", notebook)
    result = {"data": {"text/plain": "2"}, "execution_count": 2, "metadata": {}}
    assert edited.edit_cell(
        0,
        source="x = 2\nx",
        execution_count=2,
        outputs=[{"output_type": "execute_result", **result}],
    ) == [FRESH]


def test_a_stale_cell_that_was_run_elsewhere_is_fresh(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("x = 1\nx")
    edited = Edited(tmp_path / "a.ipynb", notebook)
    edited.edit_cell(0, source="x = 2\nx")
    edited.application.save(edited.application.load(edited.path), edited.path)
    assert edited.edit_cell(0, execution_count=7) == [FRESH]


def test_outputs_that_were_removed_elsewhere_leave_a_cell_that_has_not_run(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("1 / 1")
    edited = Edited(tmp_path / "a.ipynb", notebook)
    assert edited.edit_cell(0, outputs=[], execution_count=None) == [("idle", False)]


def test_a_prompt_whose_template_was_edited_in_its_source(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_prompt("Why?", model="echo")
    edited = Edited(tmp_path / "a.ipynb", notebook)
    assert edited.edit_cell(0, source=f"Why not?\n\n{SEPARATOR}\n\nWhy?") == [EDITED]
    assert edited.edit_cell(0, source=f"Why not?\n\n{SEPARATOR}\n\nBecause.") == [FRESH]


@pytest.mark.parametrize("ran", [3, "", "x", "-", "0123", None, ["a"]])
def test_what_does_not_look_like_ours_is_kept(edited: Edited, ran: object) -> None:
    def change(document: Any) -> None:
        cell = document["cells"][0]
        place = (
            cell if edited.path.suffix == ".llmn" else cell["metadata"].setdefault("llm_repl", {})
        )
        place["ran"] = ran

    assert edited.edit(change)[0] == FRESH
    cell: Cell = edited.application.load(edited.path).cells[0]
    cell.clear_outputs()
    held = Notebook(cells=[cell])
    edited.application.save(held, edited.path)
    assert edited.application.load(edited.path).cells[0] == cell
