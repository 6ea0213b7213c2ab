"""Typed use of the public API: mypy reads this file (`tox -e types`), nothing runs it.

Each line says what a caller's type checker is to see; an API that loses its types fails here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

from llm_repl_core import (
    Application,
    CallContext,
    CallResult,
    Cell,
    CellCompleted,
    CellContext,
    CellExecutionError,
    CellFailed,
    CellOutput,
    CellResult,
    CellStarted,
    CellType,
    CodeCell,
    Delta,
    Event,
    Execution,
    LLMReplError,
    MarkdownCell,
    MemoryCell,
    Message,
    Notebook,
    Output,
    PluginManager,
    PromptCell,
    Provider,
    ProviderConfig,
    RateLimited,
    Request,
    RunContext,
    RunFailed,
    RunResult,
    RunStarted,
    Secret,
    Session,
    Settings,
    Usage,
    hookimpl,
    load_notebook,
    load_settings,
    save_notebook,
)
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.model.json_value import JSONValue


def notebook_is_typed() -> None:
    notebook = Notebook(name="Greeting", metadata={"tags": ["one", 2, None]})
    assert_type(notebook.id, str)
    assert_type(notebook.created_at, datetime)
    assert_type(notebook.metadata, dict[str, JSONValue])
    assert_type(notebook.cells, tuple[Cell, ...])
    assert_type(notebook["a1b2c3d4"], Cell)
    assert_type(len(notebook), int)
    assert_type([cell.content for cell in notebook], list[str])
    assert_type(notebook.index("a1b2c3d4"), int)


def adding_cells_is_typed(notebook: Notebook) -> None:
    assert_type(notebook.add_code("who = 'world'"), CodeCell)
    assert_type(notebook.add_markdown("# Greeting"), MarkdownCell)
    assert_type(notebook.add_memory("seen = []"), MemoryCell)
    prompt = notebook.add_prompt("Say hello to {who}.", response_var="greeting")
    assert_type(prompt, PromptCell)
    assert_type(prompt.temperature, float | None)
    assert_type(notebook.insert(prompt, 0), Cell)
    assert_type(notebook.duplicate(prompt.id), Cell)


def cells_are_typed(cell: Cell) -> None:
    assert_type(cell.status, CellStatus)
    assert_type(cell.outputs, list[Output])
    assert_type(cell.options(), dict[str, Any])
    assert_type(cell.copy(), Cell)


def outputs_are_typed() -> None:
    output = Output.error("ValueError", "no", ["Traceback"])
    assert_type(output, Output)
    assert_type(output.to_wire(), dict[str, JSONValue])


def files_are_typed(path: Path) -> None:
    notebook = load_notebook("greeting.llmn")
    assert_type(notebook, Notebook)
    save_notebook(notebook, path)


# Living ------------------------------------------------------------------------------------------


def opening_is_typed(notebook: Notebook) -> None:
    with Session(notebook) as session:
        assert_type(session, Session)
        assert_type(session.notebook, Notebook)


def running_is_typed(session: Session, cell_id: str) -> None:
    session.run()
    session.run([cell_id], stop_on_error=False)
    assert_type(session.stream(), Iterator[Event])
    assert_type(session.state["greeting"], Any)
    assert_type(list(session.state), list[str])
    session.assign({"who": "world", "numbers": [1, 2]})
    session.interrupt()
    session.restart()
    session.close()


async def awaiting_is_typed(notebook: Notebook) -> None:
    async with Session(notebook) as session:
        assert_type(session, Session)
        await session.arun()
        assert_type(session.astream(), AsyncGenerator[Event, None])
        async for event in session.astream():
            assert_type(event, Event)


def events_are_typed(event: Event) -> None:
    assert_type(event.notebook_id, str)
    assert_type(event.sequence, int)
    match event:
        case RunStarted():
            assert_type(event.cell_ids, tuple[str, ...])
        case CellStarted():
            assert_type(event.cell_id, str)
        case CellOutput():
            assert_type(event.output, Output)
        case CellCompleted():
            assert_type(event.outputs, tuple[Output, ...])
            assert_type(event.duration_s, float)
        case CellFailed():
            assert_type(event.error, str)
            assert_type(event.interrupted, bool)
        case RunFailed():
            assert_type(event.cell_id, str | None)


def errors_are_typed(session: Session) -> None:
    try:
        session.run()
    except CellExecutionError as failure:
        assert_type(failure.cell_id, str)
        assert_type(failure.http_status, int)
    except LLMReplError as error:
        assert_type(error.code, str)


def applications_are_typed(notebook: Notebook, path: Path) -> None:
    settings = load_settings(Settings, flags={"model": "echo"})
    assert_type(settings, Settings)
    assert_type(settings.cell_timeout_s, float)
    assert_type(settings.kernel_preload, tuple[str, ...])
    application = Application(settings, plugins=PluginManager())
    assert_type(Session(notebook, application=application, kernel=None), Session)
    assert_type(application.load(path), Notebook)
    assert_type(application.providers.names(), list[str])


# Plugins -----------------------------------------------------------------------------------------


class AsynchronousProvider(Provider):
    name = "asynchronous"
    default_model = "small"
    key_variable = "ASYNCHRONOUS_API_KEY"

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        assert_type(request.messages, tuple[Message, ...])
        assert_type(self.require_key(), str)
        assert_type(self.config, ProviderConfig)
        if request.temperature:
            raise RateLimited("Later.", retry_after_s=1.0)
        yield Delta(text=request.messages[-1].content)
        yield Delta(usage=Usage(input_tokens=1), finish_reason="stop")


class PlainProvider(Provider):
    name = "plain"
    default_model = "small"

    def stream(self, request: Request) -> Iterator[Delta]:
        yield Delta(text=request.model)


def providers_are_typed() -> None:
    provider = PlainProvider(ProviderConfig(api_key=Secret("…"), timeout_s=5.0))
    assert_type(provider.config.api_key, Secret | None)
    assert_type(provider.config.base_url, str | None)


class CountCell(Cell, kw_only=True):
    type = "count"
    wire_type = "CountCell"
    up_to: int = 3


async def execute_count(cell: CountCell, execution: Execution) -> AsyncGenerator[Output, None]:
    assert_type(execution.notebook, Notebook)
    for number in range(cell.up_to):
        yield Output.stdout(f"{number}\n")


class Plugin:
    @hookimpl
    def llm_repl_providers(self) -> Iterable[type[Provider]]:
        return [AsynchronousProvider, PlainProvider]

    @hookimpl
    def llm_repl_cell_types(self) -> Iterable[CellType]:
        return [CellType(CountCell, execute_count)]

    @hookimpl
    def llm_repl_before_call(self, context: CallContext) -> Request | None:
        assert_type(context.request, Request)
        return None

    @hookimpl
    def llm_repl_after_call(self, context: CallContext, result: CallResult) -> None:
        assert_type(result.usage, Usage | None)

    @hookimpl
    def llm_repl_around_cell(self, context: CellContext) -> AbstractAsyncContextManager[object]:
        return around(context)

    @hookimpl
    def llm_repl_after_cell(self, result: CellResult) -> None:
        assert_type(result.error, str | None)

    @hookimpl
    def llm_repl_after_run(self, context: RunContext, result: RunResult) -> None:
        assert_type(context.cell_ids, tuple[str, ...])
        assert_type(result.duration_s, float)


@asynccontextmanager
async def around(context: CellContext) -> AsyncIterator[None]:
    assert_type(context.cell, Cell)
    yield


def plugins_are_typed() -> None:
    manager = PluginManager()
    manager.register(Plugin(), "plugin")
    assert_type([failure.error for failure in manager.failures], list[str])
    # A marked hook keeps its type.
    assert_type(Plugin().llm_repl_providers(), Iterable[type[Provider]])


def misuse_is_refused(notebook: Notebook, session: Session, event: CellOutput) -> None:
    # Each line is an error that mypy must find: an ignore that ignores nothing is one itself.
    Notebook(title="Greeting")  # type: ignore[call-arg]
    notebook.add_code(1)  # type: ignore[arg-type]
    PromptCell(temperature="warm")  # type: ignore[arg-type]
    Output("stdout", "text").content = "other"  # type: ignore[misc]
    event.sequence = 2  # type: ignore[misc]
    session.run("one", stop_on_eror=True)  # type: ignore[call-arg]
    session.state["x"] = 1  # type: ignore[index]
    PlainProvider(ProviderConfig(api_key="text"))  # type: ignore[arg-type]
    Provider()  # type: ignore[abstract]
    Settings(modle="x")  # type: ignore[call-arg]
