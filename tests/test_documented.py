"""Whatever a user can name is in the reference: hooks, settings, endpoints, events, errors, …

What `docs/generate.py` writes must be current. The other tests look from the program's side, so
that a part which the generator forgets is found as well.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from functools import cache
from pathlib import Path

import click
import msgspec
import pytest
from flask import Flask
from msgspec import Struct

import llm_repl_core
from llm_repl_core import (
    Application,
    Cell,
    CellText,
    Delta,
    KernelOptions,
    LLMReplError,
    Notebook,
    Output,
    PluginManager,
    Provider,
    ProviderConfig,
    Request,
    Session,
    Settings,
    ToolCall,
    hookimpl,
)
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.plugins import contexts, hookspecs
from llm_repl_core.safe_builtins import SAFE_BUILTIN_NAMES
from llm_repl_core.settings import describe_settings
from llm_repl_server.app import RESOURCES, create_app
from llm_repl_server.cli.main import cli
from llm_repl_server.errors import PreconditionFailed
from llm_repl_server.services.wire_events import EMITTED
from llm_repl_server.serving.stopping import stop_application
from llm_repl_server.settings import ServerSettings
from llm_repl_server.sockets.messages import HANDLED, Acknowledgement

DOCS = Path(__file__).parents[1] / "docs"
LIMIT_S = 60.0


@cache
def page(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {heading!r}"
    return found[1]


def rows(text: str) -> set[str]:
    """The first columns of all rows of tables, where they are code."""
    return set(re.findall(r"^\| (?:· )*`([^`]+)` \|", text, re.MULTILINE))


def in_braces(path: str) -> str:
    """A path as the documentation has it: ``{id}`` for Flask's ``<id>``."""
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", path)


def fields_of(struct: type[Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


# What the program writes itself ------------------------------------------------------------------


def test_the_generated_parts_are_current() -> None:
    ended = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    stale = ", ".join(ended.stdout.split())
    assert ended.returncode == 0, f"run `python docs/generate.py` for {stale}{ended.stderr}"


def test_every_generator_is_used() -> None:
    names = re.findall(
        r'^    "([\w-]+)":', (DOCS / "generate.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("reference/*.md"))
    assert names
    assert {name: pages.count(f"<!-- generated: {name} -->") for name in names} == dict.fromkeys(
        names, 1
    )


# Hooks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", hookspecs.__all__)
def test_hook(hook: str) -> None:
    arguments = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    text = section(page("hooks"), f"`{hook}({', '.join(arguments)})`")
    assert re.search(r"\b(?:Called|called)\b|^Answers with", text, re.MULTILINE)
    assert [name for name in arguments if f"`{name}` " not in text] == []
    assert re.search(r"\b[Aa]nswers?\b", text), "it does not say what an answer means"


def test_no_hook_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^### `(llm_repl_\w+)\(", page("hooks"), re.MULTILINE)
    assert sorted(documented) == sorted(hookspecs.__all__)


@pytest.mark.parametrize("name", contexts.__all__)
def test_what_a_hook_is_told(name: str) -> None:
    assert rows(section(page("hooks"), name)) == fields_of(getattr(contexts, name))


# Settings and commands -----------------------------------------------------------------------------


def test_settings() -> None:
    described = describe_settings(ServerSettings)
    assert {one.name for one in described} <= rows(page("settings"))
    assert [one.name for one in described if not one.description] == []
    assert [one.name for one in described if f"| `{one.variable}` |" not in page("settings")] == []


def every_command(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    yield words, command
    for name, found in getattr(command, "commands", {}).items():
        yield from every_command(found, f"{words} {name}")


def commands() -> dict[str, click.Command]:
    found = {"llm-repl": cli}
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        found |= dict(every_command(command, f"llm-repl {name}"))
    return found


def test_every_built_in_command_is_looked_at() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "llm_repl_server.cli.entry", "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    ).stdout
    names = re.findall(r"^  (\w+)  ", listed.partition("Commands:")[2], re.MULTILINE)
    assert {f"llm-repl {name}" for name in names} <= set(commands())


@pytest.mark.parametrize("words", commands())
def test_command(words: str) -> None:
    text = section(page("cli"), words)
    for parameter in commands()[words].params:
        if isinstance(parameter, click.Option):
            names = [*parameter.opts, *parameter.secondary_opts]
            assert parameter.help, f"{names} has no help"
            for name in names:
                assert re.search(rf"(?<![\w-]){name}(?![\w-])", text), f"{name} is missing"
        else:
            assert parameter.name is not None
            assert parameter.name.upper() in text


# Errors ------------------------------------------------------------------------------------------


def every_error() -> list[type[LLMReplError]]:
    exported = [getattr(llm_repl_core, name) for name in llm_repl_core.__all__]
    found = [one for one in exported if isinstance(one, type) and issubclass(one, LLMReplError)]
    return [*found, PreconditionFailed]


@pytest.mark.parametrize("error", every_error())
def test_error(error: type[LLMReplError]) -> None:
    row = rf"`{error.__name__}` \| `{error.code}` \| {error.http_status} \| {error.exit_code} \| \w"
    assert re.search(row, page("errors"))


def test_errors_have_codes_of_their_own() -> None:
    codes = [error.code for error in every_error()]
    assert sorted(codes) == sorted(set(codes))


# The server --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("documented")
    settings = ServerSettings(database_url=f"sqlite:///{folder / 'database'}", root=str(folder))
    app = create_app(settings)
    yield app
    stop_application(app)


def test_endpoints(app: Flask) -> None:
    served = {
        f"{method} {in_braces(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.rule.startswith("/api/docs")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(served) > 20
    documented = set(re.findall(r"^### `([A-Z]+ /\S+)`$", page("rest"), re.MULTILINE))
    assert documented == served - {"GET /api/openapi.json"}


def test_every_shape_of_an_endpoint() -> None:
    endpoints = [one for resource in RESOURCES for one in resource.endpoints]
    shapes = {one for each in endpoints for one in (each.body, each.answer) if one is not None}
    for shape in shapes:
        assert rows(section(page("rest"), shape.__name__)) == fields_of(shape)


def test_queries_and_headers_of_endpoints() -> None:
    for one in (each for resource in RESOURCES for each in resource.endpoints):
        text = section(page("rest"), f"`{one.method} {in_braces(one.path)}`")
        for name in fields_of(one.query) if one.query is not None else ():
            assert f"Query `{name}`" in text
        assert ("Header `If-Match`" in text) == one.versioned


@pytest.mark.parametrize("event", [*EMITTED, *HANDLED])
def test_event(event: str) -> None:
    kind = (EMITTED | HANDLED)[event]
    text = section(page("events"), f"`{event}`")
    assert rows(text) == fields_of(kind)
    assert len(text.split()) > 3, "it does not say when it is sent"


def test_acknowledgement() -> None:
    assert rows(section(page("events"), "The acknowledgement")) == fields_of(Acknowledgement)


# Notebooks ---------------------------------------------------------------------------------------


def test_cells() -> None:
    text = page("cells-and-outputs")
    application = Application(entry_points=False)
    for word in application.cell_types.words():
        cell_class = application.cell_types.get(word)
        assert f"| `{word}` | `{cell_class.wire_type}` |" in text
        own = rows(section(text, cell_class.__name__))
        assert own == set(cell_class.option_names()) - set(Cell.option_names())
    of_every_cell = {*Cell.COMMON, *Cell.option_names(), "type", "wire_type"}
    assert rows(section(text, "Cell")) == of_every_cell
    assert rows(section(text, "Status")) == set(CellStatus.__args__)


def test_outputs() -> None:
    samples = [
        Output.stdout("a"),
        Output.stderr("a"),
        Output.markdown("a"),
        Output.warning("a"),
        Output.error("a", "b"),
        Output.display({}),
        Output.llm_response("a", "b"),
        Output("tool_call", "a"),
        Output.memory_update([], {}),
    ]
    text = section(page("cells-and-outputs"), "Outputs")
    assert {one.type for one in samples} == rows(text)
    for one in samples:
        row = re.search(rf"^\| `{one.type}` \|.*$", text, re.MULTILINE)
        assert row is not None
        assert [name for name in one.fields if f"`{name}`" not in row[0]] == []


class _Talkative(Provider):
    """Thinks, says something, and asks for a tool; then has its answer."""

    name = "talkative"
    default_model = "talkative"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        yield Delta(reasoning="Hm.")
        yield Delta(text="Let me see.")
        if request.messages[-1].role == "user":
            call = ToolCall(id="1", name="echo", arguments='{"text": "a"}')
            yield Delta(tool_calls=(call,), finish_reason="tool_calls")


class _TalkativePlugin:
    @hookimpl
    def llm_repl_providers(self) -> list[type[Provider]]:
        return [_Talkative]


def test_answers_and_calls_of_tools() -> None:
    notebook = Notebook()
    notebook.add_code("def echo(text): return text")
    plain = notebook.add_prompt("Hello", model="echo")
    notebook.add_prompt("{item}", for_each="[1]", schema="name, age int")
    asks = 'call:echo {"text": "a"}'
    notebook.add_prompt("{item}", for_each="[1]", tools=["echo"], model=asks)
    notebook.add_prompt("Hello", tools=["echo"], provider="talkative")
    notebook.add_prompt(
        "Hello",
        model="echo+think=Hm+cite=http://a+make=image/png+search=b+finish=END",
        parameters={"logprobs": 1},
    )
    notebook.add_prompt("Hello", model="echo+refuse=No")
    notebook.add_prompt("One two", model="fail:unreachable+after=1")
    slow = notebook.add_prompt("One two three", model="echo+per_token=0.2")
    found: list[Output] = []
    plugins = PluginManager()
    plugins.register(_TalkativePlugin(), "talkative")
    application = Application(Settings(call_attempts=1), plugins=plugins)
    with Session(notebook, application=application) as session:
        for cell_ids, mode in ((None, "live"), ([plain.id], "reuse")):
            for event in session.stream(cell_ids, mode=mode, stop_on_error=False):
                if isinstance(event, CellText) and event.cell_id == slow.id:
                    session.interrupt()
            found += [output for cell in notebook for output in cell.outputs]
        session.edit_answer(plain.id, "Written by hand")
        found += plain.outputs
    for kind, heading in (("llm_response", "An answer"), ("tool_call", "A tool call")):
        fields = {name for one in found if one.type == kind for name in one.fields}
        assert rows(section(page("cells-and-outputs"), heading)) == fields


def test_formats_and_kernels() -> None:
    application = Application(entry_points=False)
    assert rows(section(page("file-formats"), "File formats")) == set(application.formats)
    assert rows(section(page("kernels"), "Kernels")) == set(application.kernels)
    assert rows(section(page("kernels"), "KernelOptions")) == fields_of(KernelOptions)
    assert rows(section(page("providers"), "ProviderConfig")) == fields_of(ProviderConfig)


def test_safe_builtins() -> None:
    text = section(page("memory-cells"), "What an expression sees")
    listed = text.partition("safe builtins:")[2].partition(".\n")[0]
    named = set(re.findall(r"`(\w+)`", listed))
    assert named == SAFE_BUILTIN_NAMES - {"False", "None", "True"}
