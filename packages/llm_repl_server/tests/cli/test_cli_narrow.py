"""Every command in a terminal of 40 columns without colour: no line is left to it to break."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Notebook, save_notebook
from llm_repl_server.cli.flowing_text import FlowingText, fit_text
from llm_repl_server.cli.main import cli
from llm_repl_server.cli.terminal_text import display_width

if TYPE_CHECKING:
    from command_forks import CommandForks

COLUMNS = 40
FILE = "a_notebook_with_a_rather_long_name.llmn"
FRAME = (
    '<table class="dataframe"><thead><tr><th></th><th>population_of_the_city</th><th>note</th>'
    "<th>country</th></tr></thead><tr><th>0</th><td>14.1</td><td>東京都の人口はとても多いです</td>"
    "<td>a country whose name is long</td></tr></table>"
)
LONG = "A long sentence that has many more words in it than forty columns have room for"
COMMANDS = (
    *(
        "runn",
        "run --cell 3 x",
        "run missing.llmn",
        f"run {FILE} --keep-going --kernel in_process -o ran.llmn",
    ),
    "run small.llmn missing.llmn -j 2",
    *(f"plan {FILE} --kernel in_process", f"graph {FILE}", f"preview {FILE} --kernel in_process"),
    *("show ran.llmn", f"diff {FILE} ran.llmn", "list", "new new.llmn", "new new.llmn"),
    *("calls list", "calls totals", "calls show zz", "models", "plugins", "keys list"),
    *("providers list", "providers test mock", "settings", "settings get page"),
    *("convert small.llmn small.xyz", "merge a b"),
    *("completion nosuch", "edit small.llmn 9", "serve --port x", "repl a.llmn --attach b"),
    *(f"ask '{LONG}, 東京都の人口はとても多いです。それは日本の首都です'", "ask hi -m openai/gpt"),
)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    document = Notebook("Ein sehr langer Name eines Notizbuchs über Städte 東京都の人口")
    document.add_markdown(f"# {LONG}\n\n{LONG}: 東京都の人口はとても多いです 😀😀")
    document.add_code(
        f"class Frame:\n    def _repr_html_(self):\n        return {FRAME!r}\n"
        "population_of_all_cities_by_country = Frame()\npopulation_of_all_cities_by_country"
    )
    document.add_prompt(f"{LONG}, and why?", response_var="what_is_odd_about_the_populations")
    document.add_prompt(
        "Describe {item}.", for_each="['Rome', '東京都']", response_var="descriptions"
    )
    document.add_code(f"raise ValueError({LONG!r})")
    document.add_memory("a_limit_with_a_long_name = 'a value that is longer than forty columns'")
    save_notebook(document, tmp_path / FILE)
    small = Notebook("Small")
    small.add_code("x = 1")
    small.add_prompt("Say {x}")
    save_notebook(small, tmp_path / "small.llmn")
    return tmp_path


def too_wide(shown: str) -> list[str]:
    """The lines that a terminal would break although they could be broken between words."""
    rows = [ESCAPE.sub("", row) for row in re.split(r"[\r\n]+", shown)]
    return [row for row in rows if display_width(row) > COLUMNS and len(row.split()) > 1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_no_command_leaves_a_line_to_the_terminal(
    folder: Path, environment: dict[str, str], command_forks: CommandForks
) -> None:
    def shown_by(*arguments: str) -> str:
        given = environment | {"TERM": "dumb", "NO_COLOR": "1"}
        done = command_forks.run(list(arguments), cwd=folder, environment=given, columns=COLUMNS)
        assert done.stdout, arguments
        assert "llm_repl_server/" not in done.stdout, done.stdout  # a traceback of ours
        return done.stdout

    names = {command.split()[0] for command in COMMANDS}
    assert names >= set(cli.list_commands(cli.make_context("llm-repl", [], resilient_parsing=True)))
    found = {}
    for command in COMMANDS:
        shown = shown_by(*shlex.split(command))
        assert "\x1b" not in shown, command
        found[command] = too_wide(shown)
    for name in sorted(names):
        found[f"{name} --help"] = too_wide(shown_by(name, "--help"))
    assert {command: rows for command, rows in found.items() if rows} == {}


TEXTS = st.text(st.sampled_from("ab 東、\n—😀-/"), max_size=80)


@given(st.lists(TEXTS, max_size=6), st.integers(20, 50), st.sampled_from(["", "  "]))
def test_text_that_flows_loses_no_word_and_fits(pieces: list[str], columns: int, hang: str) -> None:
    text = "".join(pieces)
    flowing = FlowingText(columns, hang=hang)
    shown = "".join([*map(flowing.add, pieces), flowing.finish()])
    assert "".join(shown.split()) == "".join(text.split()) or "-" * columns in text
    for row in shown.split("\n"):
        assert display_width(row) <= columns or len(re.split(r"\s+|[東😀👨]", row.strip())) == 1
    if all(display_width(row) <= columns for row in text.split("\n")):
        assert [row.rstrip() for row in shown.split("\n")] == [
            row.rstrip() for row in text.split("\n")
        ]
    assert fit_text(text, None) == text
