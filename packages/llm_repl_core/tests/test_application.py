from __future__ import annotations

import os
from pathlib import Path

import pytest

from llm_repl_core import (
    Application,
    Cell,
    CellType,
    FileMissing,
    Format,
    InvalidInput,
    InvalidNotebook,
    Kernel,
    KernelNotFound,
    Notebook,
    PluginManager,
    Provider,
    Session,
    Settings,
    StorageError,
    hookimpl,
    load_notebook,
    save_notebook,
)
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.memory_limit import default_memory_limit_bytes
from llm_repl_core.model.cell import CodeCell


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path / "configuration"))


def application_with(**hooks):
    functions = {f"llm_repl_{name}": hookimpl(hook) for name, hook in hooks.items()}
    manager = PluginManager()
    manager.register(type("Plugin", (), functions)(), "stranger")
    return Application(plugins=manager, entry_points=False)


def only_failure(application):
    [failure] = application.plugins.failures
    return f"{failure.name}: {failure.error}"


class OddCell(Cell, kw_only=True):
    type = "odd"
    wire_type = "OddCell"


async def execute_nothing(cell, execution):
    return
    yield


# What there is -----------------------------------------------------------------------------------


def test_the_built_in_things_come_by_hooks():
    application = Application()
    assert application.plugins.plugins()[0].name == "builtin"
    assert application.cell_types.words() == ["markdown", "code", "prompt", "memory"]
    assert list(application.kernels) == ["in_process", "worker", "jupyter"]
    assert list(application.formats) == [".llmn", ".ipynb", ".py", ".md", ".html"]
    assert {"mock", "openai"} <= set(application.providers.names())
    assert Application(entry_points=False).providers.names() == []


def test_a_manager_may_serve_two_applications():
    manager = PluginManager()
    Application(plugins=manager)
    application = Application(plugins=manager)
    assert manager.failures == []
    assert "mock" in application.providers.names()
    assert list(application.kernels) == ["in_process", "worker", "jupyter"]


def test_a_plugin_brings_a_cell_type():
    application = application_with(cell_types=lambda self: [CellType(OddCell, execute_nothing)])
    assert application.plugins.failures == []
    assert application.cell_types.get("OddCell") is OddCell
    notebook = Notebook()
    notebook.insert(OddCell())
    with Session(notebook, application=application) as session:
        session.run()
    assert notebook.cells[0].status == "completed"


class HalfKernel(Kernel):
    name = "half"


class WithoutName(InProcessKernel):
    name = None  # type: ignore[assignment]


class Imitation(CodeCell, kw_only=True):
    type = "imitation"


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        ({"kernels": lambda self: [5]}, "5 is not a subclass of Kernel"),
        ({"kernels": lambda self: [HalfKernel]}, "the class HalfKernel lacks alive, assign, "),
        ({"kernels": lambda self: [InProcessKernel()]}, "is not a subclass of Kernel"),
        ({"kernels": lambda self: [WithoutName]}, "the name None is not a text"),
        ({"formats": lambda self: [Format]}, "the class Format lacks decode, encode"),
        ({"providers": lambda self: [Provider]}, "the class Provider lacks stream"),
        ({"cell_types": lambda self: [OddCell]}, "AttributeError: "),
        (
            {"cell_types": lambda self: [CellType(Imitation, execute_nothing)]},
            "`ComputationCell`",
        ),
    ],
)
def test_what_is_of_no_use_is_left_out(hooks, words):
    application = application_with(**hooks)
    failures = [f"{one.name}: {one.error}" for one in application.plugins.failures]
    assert any(words in failure for failure in failures)
    assert {"in_process", "worker", "jupyter"} <= set(application.kernels)
    assert {".llmn", ".ipynb", ".py", ".md", ".html"} == set(application.formats)


def test_a_stranger_that_takes_a_built_in_name_is_named():
    class Worker(InProcessKernel):
        name = "worker"

    application = application_with(kernels=lambda self: [Worker])
    assert "`worker` is taken already by" in only_failure(application)


# Opening -----------------------------------------------------------------------------------------


def test_a_kernel_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(KernelNotFound) as caught:
        Session(Notebook(), kernel="wrker")
    assert str(caught.value) == (
        "There is no kernel `wrker`; installed are in_process, worker, jupyter. "
        "Did you mean `worker`?"
    )


def test_the_settings_choose_the_kernel_where_nobody_does():
    application = Application(Settings(kernel="in_process"))
    with Session(Notebook(), application=application, kernel=None) as session:
        assert isinstance(session.kernel, InProcessKernel)
    with Session(Notebook(), application=application, kernel=InProcessKernel()) as session:
        assert isinstance(session.kernel, InProcessKernel)


def test_a_kernel_gets_what_the_settings_say(tmp_path):
    settings = Settings(
        cell_output_limit_bytes=5,
        kernel_memory_limit_bytes=0,
        kernel_preload=("json",),
        kernelspec="python3",
    )
    options = Application(settings).kernel_options(cwd=tmp_path, env={"A": "b"})
    assert options.cwd == str(tmp_path)
    assert options.env == {"A": "b"}
    assert options.output_limit_bytes == 5
    assert options.memory_limit_bytes == 0
    assert options.preload == ("json",)
    assert options.kernelspec == "python3"
    assert "OPENAI_API_KEY" in options.withheld_variables
    default = Application().kernel_options()
    assert default.memory_limit_bytes == default_memory_limit_bytes()
    assert default.cwd is None


def test_the_default_memory_limit_fits_the_machine():
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < default_memory_limit_bytes() <= 0.8 * machine


def test_code_runs_in_its_folder_with_its_variables(tmp_path):
    notebook = Notebook()
    notebook.add_code("import os\nhere, name = os.getcwd(), os.environ['A']")
    with Session(notebook, cwd=tmp_path, env={"A": "b"}) as session:
        session.run()
        assert session.state["here"] == str(tmp_path)
        assert session.state["name"] == "b"


def test_an_opened_notebook_is_not_touched_by_that():
    notebook = Notebook()
    notebook.add_code("x = 1")
    before = notebook.updated_at
    Session(notebook).close()
    assert notebook.updated_at == before
    assert notebook.cells[0].status == "idle"


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["n.llmn", "n.ipynb", "N.LLMN"])
def test_a_notebook_is_saved_and_loaded(tmp_path, name):
    notebook = Notebook("Greeting")
    notebook.add_code("who = 'world'")
    notebook.add_prompt("Say hello to {who}.", response_var="greeting")
    with Session(notebook) as session:
        session.run()
    save_notebook(notebook, tmp_path / name)
    again = load_notebook(str(tmp_path / name))
    assert [cell.content for cell in again] == [cell.content for cell in notebook]
    assert again.cells[1].outputs[0].content == notebook.cells[1].outputs[0].content
    assert again.name == "Greeting"


@pytest.mark.parametrize("name", ["n.txt", "n", ".llmn", "n.llmn.bak"])
def test_an_unknown_ending_is_told_with_the_known_ones(tmp_path, name):
    for use in (lambda: load_notebook(name), lambda: save_notebook(Notebook(), tmp_path / name)):
        with pytest.raises(InvalidInput, match=r"must end in one of \.llmn, \.ipynb"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileMissing, match=r"none\.llmn"):
        load_notebook(tmp_path / "none.llmn")
    with pytest.raises(FileMissing, match="folder"):
        save_notebook(Notebook(), tmp_path / "none" / "n.llmn")


def test_a_file_that_is_no_notebook_is_told(tmp_path):
    (tmp_path / "n.llmn").write_text("no")
    with pytest.raises(InvalidNotebook):
        load_notebook(tmp_path / "n.llmn")
    (tmp_path / "folder.llmn").mkdir()
    with pytest.raises(StorageError, match="folder"):
        load_notebook(tmp_path / "folder.llmn")


def test_no_key_is_in_what_is_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    notebook = Notebook()
    notebook.add_prompt("hi", model="mock/echo")
    notebook.add_prompt("hi", model="openai/no-such-model")
    application = Application(Settings(provider="openai", base_url="http://127.0.0.1:9/v1"))
    with Session(notebook, application=application) as session:
        session.live.listen(lambda event: None)
        events = list(session.stream(stop_on_error=False))
    application.save(notebook, tmp_path / "n.llmn")
    assert "sk-canary" not in Path(tmp_path / "n.llmn").read_text()
    assert "sk-canary" not in repr(events)
    assert notebook.cells[1].status == "error"
