"""A preview is what running the prompt then sends, and changes nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from llm_repl_core import (
    CodeCell,
    InvalidInput,
    MarkdownCell,
    Message,
    Notebook,
    PromptCell,
    Request,
    hookimpl,
    save_notebook,
)
from llm_repl_core.ledger.bodies import recorded_body
from llm_repl_core.model.cell import MemoryCell
from llm_repl_core.testing.openai_server import Reply

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
CODE = f"""
class Row:
    def __init__(self, name, picture):
        self.name, self.picture = name, picture
rows = [Row("Ann", {PNG!r}), Row("Bob", {PNG!r})]
pictures = [one.picture for one in rows]
picture = pictures[0]
numbers = [1, 2, 3]
def add(a: int, b: int = 1) -> int:
    "Add two numbers."
    return a + b
print("ready")
"""

FORM = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
WHOLE = '{"name": "Ann", "age": 3, "tags": []}'
ABOVE = ["notes", "code", "memory", "first", "first"]
CASES = {
    "isolated": ({}, ["asked"]),
    "above": ({"context": "above"}, [*ABOVE, "asked"]),
    "a list": ({"context": ["first", "notes"]}, ["notes", "first", "first", "asked"]),
    "a system text": ({"system": "You count to {len(rows)}."}, ["asked", "asked"]),
    "no system text": ({"system": ""}, ["asked"]),
    "a picture": ({"attachments": ["picture"]}, ["asked"]),
    "a file": ({"attachments": ["./notes.txt", "picture"]}, ["asked"]),
    "a form": ({"schema": FORM}, ["asked"]),
    "a short form": ({"schema": "name, age int, tags[]"}, ["asked"]),
    "tools": ({"tools": ["add"]}, ["asked"]),
    "parameters": ({"parameters": {"max_tokens": 7, "seed": 3}, "temperature": 0.5}, ["asked"]),
    "another model": ({"model": "openai/other"}, ["asked"]),
    "items": ({"content": "Of {item.name}?", "for_each": "rows"}, ["asked"]),
    "items with all": (
        {
            "content": "What is {item!r:.8}?",
            "for_each": "pictures",
            "attachments": ["picture", "item"],
            "context": "above",
            "system": "Of {len(item)} bytes.",
            "schema": "name str",
            "tools": ["add"],
        },
        ["asked", *ABOVE, "asked"],
    ),
}


def notebook_with(**fields):
    """Cells above that have run are context; the last is the prompt in question."""
    notebook = Notebook("Example")
    for cell in (
        MarkdownCell(id="notes", content="Our {plain} notes."),
        MarkdownCell(id="secret", content="Not for models.", skipped=True),
        CodeCell(id="code", content=CODE),
        MemoryCell(id="memory", content="city = 'Paris'"),
        PromptCell(id="first", content="Where is {city}?", response_var="place"),
        PromptCell(id="asked", **{"content": "And {numbers[1]:03}, {place!r}?"} | fields),
        MarkdownCell(id="below", content="Later."),
    ):
        notebook.insert(cell)
    return notebook


def as_recorded(received):
    carrier = Message("user", "", attachments=received.attachments)
    return recorded_body(received.body, Request(model="", messages=(carrier,)))


def check_against_wire(session, server, sources):
    preview = session.preview("asked")
    before = len(server.requests)
    session.run(["asked"], concurrency=1, stop_on_error=False)
    received = server.requests[before:]
    assert preview.body == as_recorded(received[0])
    assert preview.calls == len(received)
    assert preview.model == received[0].body["model"]
    assert [one.cell_id for one in preview.messages] == sources
    for shown, sent in zip(preview.messages, preview.body["messages"], strict=True):
        said = sent["content"]
        if not isinstance(said, str):
            said = "".join(part["text"] for part in said if part["type"] == "text")
        assert shown.role == sent["role"]
        assert shown.content in said
        assert bool(shown.attachments) is not isinstance(sent["content"], str)
    return preview


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("A file.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("case", "kernel"),
    [*((case, "in_process") for case in CASES)]
    + [(case, "worker") for case in ("a picture", "tools", "items with all")],
)
def test_a_preview_is_what_is_sent(open_at_server, server, kernel, case):
    fields, sources = CASES[case]
    session = open_at_server(notebook_with(**fields), kernel=kernel)
    session.run(["code", "memory", "first"])
    if "schema" in fields:
        server.reply = Reply(text=WHOLE if case == "a short form" else '{"name": "Ann"}')
    check_against_wire(session, server, sources)


def test_pinned_and_skipped_cells(open_at_server, server):
    notebook = notebook_with()
    notebook.change("notes", pinned=True)
    notebook.change("code", skipped=True)
    notebook.change("secret", pinned=True)  # skipped all the same
    session = open_at_server(notebook)
    session.run(["code", "memory", "first"])
    check_against_wire(session, server, ["notes", "asked"])
    notebook.change("asked", context="above")
    check_against_wire(session, server, ["notes", "memory", "first", "first", "asked"])


@pytest.mark.parametrize("own", [None, "Mine: {numbers[0]}.", ""])
def test_the_notebooks_system_text(open_at_server, server, own):
    notebook = notebook_with(system=own)
    notebook.metadata["llm_repl"] = {"system": "Of all: {city}.", "model": "from-notebook"}
    session = open_at_server(notebook)
    session.run(["code", "memory", "first"])
    expected = {None: [None, "asked"], "": ["asked"]}.get(own, ["asked", "asked"])
    preview = check_against_wire(session, server, expected)
    assert preview.model == "from-notebook"
    said = {None: "Of all: Paris.", "": "And"}.get(own, "Mine: 1.")
    assert preview.messages[0].content.startswith(said)


def test_a_turn_that_a_plugin_adds_has_no_cell(open_at_server, server):
    class Plugin:
        @hookimpl
        def llm_repl_before_call(self, context):
            added = Message("system", "Be brief.")
            return replace(context.request, messages=(added, *context.request.messages))

    session = open_at_server(notebook_with(context=["notes"]), Plugin())
    session.run(["code", "memory", "first"])
    preview = check_against_wire(session, server, [None, "notes", "asked"])
    assert preview.messages[0].content == "Be brief."


@pytest.mark.parametrize("fields", [{}, {"context": "above", "system": "{city}!"},
                                    {"content": "{item} one", "for_each": "numbers"}])  # fmt: skip
def test_tokens_are_exact_where_the_provider_counts(open_session, fields):
    notebook = notebook_with(model="mock/echo", **fields)
    notebook.change("first", model="mock/echo")
    session = open_session(notebook)
    session.run(["code", "memory", "first"])
    preview = session.preview("asked")
    session.run(["asked"])
    counted = [output.fields["usage"]["input_tokens"] for output in notebook["asked"].outputs]
    assert preview.tokens_are_exact
    assert (preview.input_tokens, preview.calls) == (sum(counted), len(counted))


def test_tokens_are_said_to_be_an_estimate(open_at_server):
    session = open_at_server(notebook_with(content="And?", parameters={"max_tokens": 5}))
    preview = session.preview("asked")
    assert not preview.tokens_are_exact
    assert preview.input_tokens > 0
    assert preview.output_tokens_limit == 5


@pytest.mark.parametrize("case", ["isolated", "a picture", "a short form", "tools", "items"])
def test_a_preview_changes_nothing(open_at_server, server, kernel, place, case):
    notebook = notebook_with(**CASES[case][0])
    session = open_at_server(notebook, kernel=kernel)
    session.run(["code", "memory", "first"])
    records, requests = session.live.ledger.records, len(server.requests)
    count, revision = session.live.execution_count, notebook.revision
    state = {name: str(session.state[name]) for name in session.state}
    save_notebook(notebook, place / "before.llmn")
    for _ in range(2):
        session.preview("asked")
    save_notebook(notebook, place / "after.llmn")
    assert (place / "after.llmn").read_bytes() == (place / "before.llmn").read_bytes()
    assert {name: str(session.state[name]) for name in session.state} == state
    assert (session.live.ledger.records, len(server.requests)) == (records, requests)
    assert (session.live.execution_count, notebook.revision) == (count, revision)
    if kernel == "in_process":
        assert not any("llm_repl" in name for name in session.kernel.live_namespace())


def test_a_preview_uses_no_iterator_up(open_session, kernel):
    notebook = Notebook()
    notebook.add_code("left = iter([1, 2])\nheld = [left]")
    cell = notebook.add_prompt("{item}", for_each="left", model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    session.run([notebook.cells[0].id])
    for written in ("left", " held[0] "):
        cell.change(for_each=written)
        with pytest.raises(InvalidInput, match="is an iterator, which looking at its items"):
            session.preview(cell.id)
    cell.change(for_each="left", response_var="said")
    session.run([cell.id])
    assert session.state["said"] == ["1", "2"]
    cell.change(for_each="(one for one in [5, 6])")
    assert session.preview(cell.id).calls == 2


def test_what_has_no_preview_says_why(open_session):
    notebook = notebook_with()
    session = open_session(notebook)
    with pytest.raises(InvalidInput, match="Only a prompt has a preview"):
        session.preview("code")
    notebook.change("asked", for_each="[]")
    with pytest.raises(InvalidInput, match="no items"):
        session.preview("asked")
    notebook.change("asked", for_each=None, content="{missing}")
    with pytest.raises(InvalidInput, match="there is no variable `missing`"):
        session.preview("asked")
