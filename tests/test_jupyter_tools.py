"""Jupyter's own tools take the `.ipynb` files that are written: the examples, run and not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from llm_repl_core import Notebook, Session, load_notebook, save_notebook

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.llmn"))
LIMIT_S = 300.0

pytestmark = pytest.mark.filterwarnings("ignore")  # the tools' own


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example that has run, saved as `.ipynb`."""
    notebook = load_notebook(request.param)
    folder = tmp_path_factory.mktemp(request.param.stem)
    save_notebook(notebook, folder / "not_run.ipynb")
    with Session(notebook, kernel="worker") as session:
        session.run()
    path = folder / "example.ipynb"
    save_notebook(notebook, path)
    return path


def run(path: Path, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=path.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "IPYTHONDIR": str(path.parent)},
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def python_of(notebook: Notebook) -> list[str]:
    return [cell.content for cell in notebook if cell.type in ("code", "memory")]


def test_papermill_runs_it(saved: Path) -> None:
    run(saved, "papermill", saved.name, "papermill.ipynb", "--no-progress-bar")
    check_executed(saved, saved.with_name("papermill.ipynb"))


def test_nbconvert_runs_it(saved: Path) -> None:
    run(
        saved,
        *("nbconvert", "--to", "notebook", "--execute", saved.name),
        *("--output", "executed.ipynb"),
    )
    check_executed(saved, saved.with_name("executed.ipynb"))


def check_executed(before: Path, after: Path) -> None:
    document: Any = nbformat.read(after, as_version=4)
    nbformat.validate(document)
    first, second = load_notebook(before), load_notebook(after)
    assert [(cell.id, cell.type, cell.content) for cell in first] == [
        (cell.id, cell.type, cell.content) for cell in second
    ]
    assert {cell.status for cell in second} == {"completed"}
    assert not any(cell.stale for cell in second), "what was run elsewhere is what it says"
    for ours, jupyters in zip(first, second, strict=True):
        if ours.type == "code":
            texts = [
                [output.content for output in cell.outputs if output.type == "stdout"]
                for cell in (ours, jupyters)
            ]
            assert texts[0] == texts[1]
            kinds = [
                [output.fields.get("result", False) for output in cell.outputs]
                for cell in (ours, jupyters)
            ]
            assert kinds[0] == kinds[1]


@pytest.mark.parametrize("name", ["example.ipynb", "not_run.ipynb"])
def test_nbconvert_makes_a_script(saved: Path, name: str) -> None:
    path = saved.with_name(name)
    run(path, "nbconvert", "--to", "script", name, "--output", f"script_of_{path.stem}")
    script = (saved.parent / f"script_of_{path.stem}.py").read_text("utf-8")
    compile(script, "script.py", "exec")
    for source in python_of(load_notebook(path)):
        assert source.strip() in script


@pytest.mark.parametrize("name", ["example.ipynb", "not_run.ipynb"])
def test_jupytext_goes_there_and_back(saved: Path, name: str) -> None:
    path = saved.with_name(name)
    script = path.with_suffix(".py")
    run(path, "jupytext", "--to", "auto:percent", name)
    compile(script.read_text("utf-8"), "script.py", "exec")
    run(path, "jupytext", "--to", "ipynb", script.name, "--output", f"back_{name}")
    back = load_notebook(path.with_name(f"back_{name}"))
    # Ids and outputs have no place in a script; options of cells have.
    assert [(cell.type, cell.content) for cell in back if cell.type != "prompt"] == [
        (cell.type, cell.content) for cell in load_notebook(path) if cell.type != "prompt"
    ]


def test_jupytext_changes_the_paired_notebook_and_what_was_edited_is_stale(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("x = 1\nx")
    notebook.add_code("x + 1")
    with Session(notebook) as session:
        session.run()
    path = tmp_path / "a.ipynb"
    save_notebook(notebook, path)
    run(path, "jupytext", "--to", "auto:percent", path.name)
    script = path.with_suffix(".py")
    script.write_text(script.read_text("utf-8").replace("x = 1", "x = 2"), "utf-8")
    run(path, "jupytext", "--update", "--to", "ipynb", script.name)
    assert json.loads(path.read_bytes())["cells"][0]["outputs"], "jupytext keeps some outputs"
    first, second = load_notebook(path).cells
    assert (first.content, first.stale, second.stale) == ("x = 2\nx", True, True)


def test_parameters_of_papermill_come_before_what_reads_them(tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("n = 1").metadata["tags"] = ["parameters"]
    notebook.add_code("n * 2")
    save_notebook(notebook, tmp_path / "a.ipynb")
    run(tmp_path / "a.ipynb", "papermill", "a.ipynb", "b.ipynb", "-p", "n", "21")
    after = load_notebook(tmp_path / "b.ipynb")
    assert [output.content for output in after.cells[-1].outputs] == ["42"]
    assert len(after) == 3
