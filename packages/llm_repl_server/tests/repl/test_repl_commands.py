"""Commands of the terminal that are not typed well, or could never work, say so at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from llm_repl_core import Application, Notebook, Output
from llm_repl_server.cli.cell_printer import CellPrinter
from llm_repl_server.repl.completion import InputCompleter
from llm_repl_server.repl.local_target import LocalTarget
from llm_repl_server.repl.modes import InputMode, read_line
from llm_repl_server.repl.names import KnownNames
from llm_repl_server.repl.notebook_file import NotebookFile
from llm_repl_server.repl.run_printer import answer_summary
from llm_repl_server.repl.session_loop import CellLoop

Type = Callable[[str], str]


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CellLoop]:
    monkeypatch.chdir(tmp_path)
    application = Application()

    def never(_place: str) -> LocalTarget:
        raise AssertionError("no other notebook is opened here")

    found = CellLoop(plain=True, open_other=never, is_unchosen=lambda: True)
    file = NotebookFile(application, tmp_path / "a.llmn")
    found.target = LocalTarget(application, Notebook("A"), file, kernel="in_process", use_log=False)
    yield found
    found.end()


@pytest.fixture
def type_line(loop: CellLoop, capfd: pytest.CaptureFixture[str]) -> Type:
    """Types a line; what is seen then."""

    def typed(line: str) -> str:
        entry = read_line(line, loop.mode)
        assert entry is not None
        loop.take(entry)
        seen = capfd.readouterr()
        return seen.out + seen.err

    return typed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/schema 99", "a field's name was expected, not `99`"),
        ("/schema {", "not valid JSON"),
        ("/schema name int int", "a comma or a new line was expected"),
        ('/schema {"type": 5}', "must describe an object"),
        ("/schema Nobody", "there is no variable `Nobody`"),
        ("/each 1 +", "`1 +` is no expression of Python"),
        ("/each nobody", "name 'nobody' is not defined"),
        ("/each 5", "'int' object is not iterable"),
        ("/tools nobody", "there is no function `nobody`; there are: none."),
        ("/tools 3x", "`3x` is no function's name"),
        ("/attach nobody", "There is neither a file nor a variable named nobody."),
        ("/attach nobody.png", "There is no file nobody.png."),
        ("/model opnai/gpt-5.4-mini", "Did you mean openai/gpt-5.4-mini?"),
        ("/save a.html", "`a.html` is for reading and could not be opened again"),
    ],
)
def test_a_setting_that_could_only_fail_is_refused(
    loop: CellLoop, type_line: Type, line: str, said: str
) -> None:
    type_line("x = 5")
    before = dict(loop.prompt_options), loop.target.model(), loop.target.place
    assert said in type_line(line)
    assert (dict(loop.prompt_options), loop.target.model(), loop.target.place) == before
    assert not loop.next_options.get("attachments")


def test_a_setting_that_works_is_taken(loop: CellLoop, type_line: Type) -> None:
    type_line("cities = ['Oslo']")
    type_line("def look_up(city: str) -> str:\n    'Where it is.'\n    return city")
    assert "the form name, tags[]" in type_line("/schema name, tags[]")
    assert "each of cities" in type_line("/each cities")
    assert "may call look_up" in type_line("/tools look_up")
    assert "next prompt: cities" in type_line("/attach cities")
    assert loop.prompt_options == {
        "context": "above",
        "schema": "name, tags[]",
        "for_each": "cities",
        "tools": ["look_up"],
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/s", "several commands: /skip, /system, /schema, /save."),
        ("/run 1-9", "There is no cell 9: the notebook has 3 cells."),
        ("/cells 3-2", "`3-2` names no cell: write 2-3."),
        ("/undo 0", "`0` is no number"),
        ("/move 1 up", "Cell 1 is the first one already."),
        ("/move 3 down", "Cell 3 is the last one already."),
        ("/move 3 0", "There is no place 0: the places are 1 to 3."),
        ("/preview hello", "a prompt begins with ?: /preview ?hello"),
        ("/preview ?", "There is nothing to ask"),
        ("/budget ask", "Say above which amount you are asked"),
        ("/budget", "Spent $0; there is no limit."),
        ("/budget ask 0.1", "may cost more than $0.10 asks first"),
        ("/context off", "write above, isolated, or numbers"),
        ("/mode prompt", "Lines without a prefix are prompts now."),
        ("/answers", "Cell 3 has answers for each item: name one, as in `3 item 1`."),
        ("/diff 2", "Cell 2 has no answer yet."),
    ],
)
def test_what_is_said_names_what_is_there_and_what_to_type(
    loop: CellLoop, type_line: Type, line: str, said: str
) -> None:
    loop.target.add("code", "1")
    loop.target.add("prompt", "never asked")
    loop.target.add("prompt", "{item}", for_each="[1]")
    assert said in type_line(line)


def test_an_answer_that_is_the_same_is_said_to_be(type_line: Type) -> None:
    type_line("?x")
    type_line("/run 1")
    assert "They are the same." in type_line("/diff 1.1")


def test_the_mock_that_stands_in_for_a_model_says_so_once(type_line: Type) -> None:
    type_line("/model mock/echo")
    assert "No provider is chosen" not in type_line("?x")
    type_line("/model anthropic/claude")  # the models of some have slashes in their names
    assert "No provider is chosen" in type_line("?x")
    assert "No provider is chosen" not in type_line("?x")


def test_advice_is_what_can_be_typed(type_line: Type) -> None:
    type_line("/mode replay")
    assert "After /mode reuse, /run asks for the missing answers." in type_line("?never asked")


@pytest.mark.parametrize("line", ["!", " ! ", "?", ":"])
def test_a_prefix_alone_is_nothing(line: str) -> None:
    assert read_line(line, InputMode.PYTHON) is None


@pytest.mark.parametrize("columns", [40, 80])
def test_what_a_command_takes_is_shown_whole(loop: CellLoop, type_line: Type, columns: int) -> None:
    loop._printer = CellPrinter(width=columns)
    seen = type_line("/help")
    assert "…" not in seen
    assert max(map(len, seen.splitlines())) <= columns
    words = [word for line in seen.splitlines() for word in line.replace("|", " ").split()]
    assert {"[python", "markdown", "memory", "replay]"} <= set(words)
    usage = type_line("/help mode").partition("Change")[0]
    assert max(map(len, usage.splitlines())) <= columns
    assert "".join(usage.split()) == "/mode[python|prompt|markdown|memory|shell|live|reuse|replay]"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/tools lo", ["look_up"]),
        ("/tools look_up, lo", ["look_up"]),
        ("/tools ask o", ["off"]),
        ("/schema Pl", ["Place"]),
        ("/each ci", ["cities"]),
        ("/attach ci", ["cities", "city.png"]),
        ("/attach o", ["off"]),
        ("/vars c", ["cities"]),
        ("/pin 1 o", ["off"]),
        ("/budget ask o", ["off"]),
        ("/use ", ["1"]),
        ("/use 1.", ["1.1"]),
        ("/move 1 ", ["up", "down"]),
        ("/mode re", ["reuse", "replay"]),
        ("/help pre", ["preview"]),
        ("/open ci", ["city.png"]),
    ],
)
def test_arguments_complete(
    loop: CellLoop, type_line: Type, tmp_path: Path, typed: str, offered: list[str]
) -> None:
    type_line("?x")
    type_line("cities = ['Oslo']\ndef look_up(city): return city\nclass Place: pass")
    (tmp_path / "city.png").touch()
    completer = InputCompleter(lambda: loop.mode, lambda: loop, KnownNames)
    document = Document(typed, len(typed))
    assert [found.text for found in completer.get_completions(document, CompleteEvent())] == offered


def test_a_part_of_an_answer_is_called_one() -> None:
    stopped = Output.llm_response("x", "one two", model=None, usage=None)
    assert answer_summary([stopped], [None], 1.0) == "a part of an answer · no price · 1.0 s"


def test_an_editor_that_is_not_there_is_named(
    type_line: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_line("x = 1")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert "There is no editor `no-such-editor`: name another" in type_line("/edit 1")
    monkeypatch.setenv("VISUAL", "false")
    assert "The editor `false` failed." in type_line("/edit 1")
