"""Libraries are changed when code imports them, however often somebody has asked for them before."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import zipfile

import pytest

from llm_repl_core.kernels.after_import import after_import
from llm_repl_core.kernels.tqdm_text import use_text_bars


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The name of a module that can be imported, and its file."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "library_of_a_test.py"
    path.write_text("value = 1\n")
    yield path.stem, path
    sys.modules.pop(path.stem, None)


def test_a_module_is_changed_once_when_it_is_imported(library):
    name, _ = library
    seen = []
    before = [*sys.meta_path]
    after_import(name, lambda module: seen.append(module.value))
    importlib.import_module("json")
    assert (
        importlib.util.find_spec(name) is not None
    )  # as one who wants to know whether it is there
    assert seen == []
    module = importlib.import_module(name)
    assert seen == [1]
    assert sys.meta_path == before
    # The loader is that of many modules, and knows nothing of it.
    assert "exec_module" not in vars(module.__spec__.loader)
    assert module.__loader__ is module.__spec__.loader
    importlib.reload(module)
    assert seen == [1]


def test_modules_of_one_loader_are_told_apart(tmp_path, monkeypatch):
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("first_of_a_test", "second_of_a_test"):
            file.writestr(f"{name}.py", f"name = {name!r}\n")
    monkeypatch.syspath_prepend(str(archive))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    seen = []
    after_import("first_of_a_test", lambda module: seen.append(module.name))
    try:
        for name in ("first_of_a_test", "second_of_a_test"):
            assert importlib.import_module(name).name == name
    finally:
        for name in ("first_of_a_test", "second_of_a_test"):
            sys.modules.pop(name, None)
    assert seen == ["first_of_a_test"]


def test_a_module_that_is_there_is_changed_at_once(library):
    name, _ = library
    importlib.import_module(name)
    seen = []
    before = [*sys.meta_path]
    after_import(name, seen.append)
    assert seen == [sys.modules[name]]
    assert sys.meta_path == before


def test_a_module_that_fails_is_changed_when_it_no_longer_does(library):
    name, path = library
    seen = []
    after_import(name, seen.append)
    path.write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(name)
    assert seen == []
    path.write_text("value = 'another and longer'\n")
    importlib.invalidate_caches()
    assert importlib.import_module(name).value == "another and longer"
    assert len(seen) == 1


def test_a_module_that_is_not_there_is_missed_as_ever(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    after_import("no_such_library_of_a_test", pytest.fail)
    with pytest.raises(ModuleNotFoundError, match="no_such_library_of_a_test"):
        importlib.import_module("no_such_library_of_a_test")
    assert importlib.util.find_spec("no_such_library_of_a_test") is None


def test_bars_for_notebooks_are_text_where_a_cell_runs(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    for name in [name for name in sys.modules if name.startswith("tqdm.notebook")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    use_text_bars(lambda: True)
    notebook = importlib.import_module("tqdm.notebook")
    assert list(notebook.tqdm(range(3), display=False)) == [0, 1, 2]
    assert "3/3" in capsys.readouterr().out
    assert list(notebook.trange(2)) == [0, 1]
    assert "2/2" in capsys.readouterr().out


def test_bars_of_others_in_the_process_stay_widgets(monkeypatch, capsys):
    std = pytest.importorskip("tqdm.std")

    class Widgets:
        def __init__(self, *arguments, **named):
            self.given = arguments, named

    module = types.ModuleType("tqdm.notebook")
    module.std_tqdm, module.tqdm_notebook, module.tqdm = std.tqdm, Widgets, Widgets
    monkeypatch.setitem(sys.modules, "tqdm.notebook", module)
    in_cell = [False]
    use_text_bars(lambda: in_cell[0])
    bar = module.tqdm(range(3), desc="a")
    assert type(bar) is Widgets
    assert bar.given == ((range(3),), {"desc": "a"})
    in_cell[0] = True
    assert list(module.tqdm_notebook(range(3))) == [0, 1, 2]
    assert "3/3" in capsys.readouterr().out
