"""`llm-repl graph` and `llm-repl preview`: what depends on what, and what would be sent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import CodeCell, Notebook, PromptCell, save_notebook

pytestmark = pytest.mark.one_python

ROME = ["-p", "city=Rome"]

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    cells = [
        CodeCell(id="code", content="city = 'Oslo'\nprint('ran')"),
        PromptCell(id="tell", content="Tell of {city}.", model="echo", response_var="story"),
        PromptCell(
            id="shorten",
            content="Shorten: {story}",
            model="echo",
            system="Be brief.",
            context=["tell"],
        ),
    ]
    document = Notebook("Trip", cells=cells)
    save_notebook(document, tmp_path / "trip.llmn")
    return document


def test_the_graph_as_text(llm_repl: RunCommand, notebook: Notebook) -> None:
    ended = llm_repl("graph", "trip.llmn")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "[prompt] Tell of {city}. → story\n" in ended.stdout
    assert "← 1 (city)\n" in ended.stdout
    assert "← 2 (story, context)\n" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "name", "start"),
    [
        (["--format", "mermaid"], None, "flowchart TD\n"),
        (["--format", "svg"], None, "<svg "),
        (["-o", "g.svg"], "g.svg", "<svg "),
        (["-o", "g.mmd"], "g.mmd", "flowchart TD\n"),
        (["-o", "g.svg", "--format", "text"], "g.svg", "1  [code]"),
    ],
)
def test_the_graph_in_other_forms_and_places(
    llm_repl: RunCommand,
    notebook: Notebook,
    tmp_path: Path,
    arguments: list[str],
    name: str | None,
    start: str,
) -> None:
    ended = llm_repl("graph", "trip.llmn", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    text = ended.stdout if name is None else (tmp_path / name).read_text()
    assert text.startswith(start)
    assert name is None or ended.stdout == ""


def test_the_graph_refuses_an_ending_that_it_does_not_know(
    llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    ended = llm_repl("graph", "trip.llmn", "-o", "g.png")
    assert ended.returncode == 2
    assert "`g.png` must end in one of .txt, .mmd, .mermaid, .svg" in ended.stderr
    assert not (tmp_path / "g.png").exists()


def test_a_preview_shows_messages_with_their_cells(
    llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    ended = llm_repl("preview", "trip.llmn", "3", "--run-above")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("mock/echo: 1 call\n")
    assert " tokens in, at most " in ended.stdout
    for block in (
        "\n--- system (cell 3)\nBe brief.\n",
        "\n--- user (cell 2)\nTell of Oslo.\n",
        "\n--- assistant (cell 2)\nTell of Oslo.\n",
        "\n--- user (cell 3)\nShorten: Tell of Oslo.\n",
    ):
        assert block in ended.stdout
    # The prompt above was asked, and is on record; what is previewed is not.
    listed = json.loads(llm_repl("calls", "list", "--json").stdout)
    assert [one["cell_id"] for one in listed] == ["tell"]
    assert llm_repl("preview", "trip.llmn", "shorten", "--run-above").stdout == ended.stdout
    listed = json.loads(llm_repl("calls", "list", "--json").stdout)
    assert sorted(one["source"] for one in listed) == ["live", "reuse"]


def test_a_preview_as_json_has_the_body(llm_repl: RunCommand, notebook: Notebook) -> None:
    ended = llm_repl("preview", "trip.llmn", "tell", *ROME, "--json")
    document = json.loads(ended.stdout)
    assert document["messages"] == [
        {"role": "user", "content": "Tell of Rome.", "cell_id": "tell", "attachments": []}
    ]
    assert document["body"]["messages"][0]["content"] == "Tell of Rome."
    assert document["tokens_are_exact"] is True


def test_a_preview_alone_opens_no_database_and_needs_no_key(
    llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    ended = llm_repl("preview", "trip.llmn", "tell", *ROME, "--provider", "openai", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["provider"] == "openai"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["preview", "missing.llmn", "1"], "There is no file missing.llmn.", 2),
        (["preview", "trip.llmn", "0"], "has no cell `0`: name an id, or a number from 1 to 3", 2),
        (["preview", "trip.llmn", "4"], "has no cell `4`", 2),
        (["preview", "trip.llmn", "9" * 50], "has no cell", 2),
        (["preview", "trip.llmn", "nope"], "has no cell `nope`", 2),
        (["preview", "trip.llmn", "code"], "Only a prompt has a preview", 2),
        (["preview", "trip.llmn", "tell"], "With --run-above, the cells above are run first.", 1),
        (["preview", "trip.llmn", "tell", "-p", "x"], "must be NAME=VALUE", 2),
        (["preview", "trip.llmn", "tell", *ROME, "--provider", "nobody"], "provider `nobody`", 2),
        (["graph", "missing.llmn"], "There is no file missing.llmn.", 2),
        (["graph", "trip.llmn", "--format", "png"], "'png' is not one of", 2),
        (["graph", "trip.llmn", "-o", "no/such.svg"], "its folder does not exist", 2),
    ],
)
def test_bad_input_gets_a_sentence(
    llm_repl: RunCommand, notebook: Notebook, arguments: list[str], sentence: str, code: int
) -> None:
    ended = llm_repl(*arguments)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_cell_above_that_fails_is_named(llm_repl: RunCommand, tmp_path: Path) -> None:
    cells = [
        CodeCell(id="fine", content="x = 1"),
        CodeCell(id="broken", content="1 / 0"),
        PromptCell(id="say", content="Say {x}"),
    ]
    document = Notebook("Broken", cells=cells)
    save_notebook(document, tmp_path / "b.llmn")
    ended = llm_repl("preview", "b.llmn", "say", "--run-above")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: Cell 2 failed: ZeroDivisionError")


@pytest.mark.parametrize("provider", ["mock", "openai"])
def test_a_preview_shows_tools_schema_and_parameters(
    llm_repl: RunCommand, tmp_path: Path, provider: str
) -> None:
    document = Notebook("All")
    document.add_code(
        'def add(x: int, y: int) -> int:\n    "Add two numbers."\n    return x + y\nnumbers = [1, 2]'
    )
    document.add_prompt(
        "What is {item}?",
        schema="total int",
        tools=["add"],
        for_each="numbers",
        temperature=0.25,
        parameters={"max_tokens": 77},
    )
    save_notebook(document, tmp_path / "all.llmn")
    shown = llm_repl("preview", "all.llmn", "2", "--run-above", "--provider", provider)
    assert shown.returncode == 0, shown.stderr
    _, _, along = shown.stdout.partition("--- also sent\n")
    for text in ("Add two numbers.", '"add"', '"total"', "temperature: 0.25", "77"):
        assert text in along
    assert "2 calls, of which this is the first" in shown.stdout
    assert "What is 1?" not in along


def test_a_preview_has_its_notices(llm_repl: RunCommand, tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_code("name, numbers = 'Ada', list(range(100_000))")
    notebook.add_prompt("{{name}} {numbers}")
    save_notebook(notebook, tmp_path / "n.llmn")
    ended = llm_repl("preview", "n.llmn", "2", "--run-above")
    assert "Notice: `{{name}}` at line 1 is sent as `{name}`" in ended.stdout
    assert "Notice: `{numbers}` at line 1 is larger than the 100,000 characters" in ended.stdout
    ended = llm_repl("preview", "n.llmn", "2", "--run-above", "--json")
    assert len(json.loads(ended.stdout)["notices"]) == 2
