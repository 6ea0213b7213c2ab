"""Notebooks of other languages, and cells that are not run."""

from __future__ import annotations

import json
import sys

import pytest

from llm_repl_core import Application, KernelUnsupported, Notebook, Session
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.model.cell import ForeignCell

R = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}


@pytest.fixture
def jupyter_path(tmp_path, monkeypatch):
    """Where this test's kernelspecs are; there are no others."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "path"))
    return tmp_path / "path"


def install(jupyter_path, name, language):
    folder = jupyter_path / "kernels" / name
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": name, "language": language}
    (folder / "kernel.json").write_text(json.dumps(spec))


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_code_of_another_language_is_refused_before_anything_runs(
    open_session, kernel, jupyter_path, tmp_path
):
    notebook = Notebook(metadata=R)
    notebook.add_markdown("# first")
    notebook.add_code(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(
        KernelUnsupported, match=r"code is R, .* runs Python: .* `ir`.*`kernelspec`"
    ):
        session.run()
    assert not (tmp_path / "ran").exists()
    assert [cell.status for cell in notebook] == ["idle", "idle"]
    session.run([notebook.cells[0].id])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    session.run()
    assert (tmp_path / "ran").exists()


def test_its_own_kernel_runs_it_where_there_is_one(jupyter_path):
    pytest.importorskip("ipykernel")
    install(jupyter_path, "ir", "R")
    notebook = Notebook(metadata=R)
    notebook.add_code("print('ran in', __import__('sys').modules.keys() & {'ipykernel'})")
    with Session(notebook, kernel=None) as session:
        assert isinstance(session.kernel, JupyterKernel)
        session.run()
        session.run()
    assert notebook.cells[0].outputs[0].content == "ran in {'ipykernel'}\n"


@pytest.mark.parametrize(
    ("installed", "kernelspec"),
    [
        ([], None),
        (["julia-1.11"], "julia-1.11"),
        (["julia-1.10", "julia-1.11"], "julia-1.10"),
        (["julia-1.11", "julia-1.12"], None),
    ],
)
def test_the_kernelspec_is_the_one_that_is_named_or_the_only_one(
    jupyter_path, installed, kernelspec
):
    for name in installed:
        install(jupyter_path, name, "julia")
    notebook = Notebook(metadata={"kernelspec": {"name": "julia-1.10"}})
    choice = Application().choose_kernel(notebook)
    assert choice.kernelspec == kernelspec
    assert (choice.kernel_class is JupyterKernel) == (kernelspec is not None)


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_raw_cell_runs_as_nothing(open_session, play, kernel):
    notebook = Notebook()
    notebook.add_code("x = 1")
    raw = notebook.insert(ForeignCell(content="\\begin{raw", foreign_type="raw"))
    notebook.add_code("x + 1")
    before = raw.copy(id=raw.id)
    session = open_session(notebook, kernel=kernel)
    events = play(session)
    assert raw.id not in events[0].cell_ids
    assert raw == before
    assert [cell.status for cell in notebook] == ["completed", "idle", "completed"]
    assert len(play(session, [raw.id])) == 2
    assert raw == before
