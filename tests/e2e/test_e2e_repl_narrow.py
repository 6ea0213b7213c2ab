"""The terminal session in 40 columns without colour: every command, with what is long in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from repl_terminal import Terminal

from llm_repl_core import Notebook, save_notebook
from llm_repl_server.cli.terminal_text import display_width
from llm_repl_server.repl.commands import all_commands

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")

COLUMNS = 40
LONG = "A long sentence that has many more words in it than forty columns have room for"
FRAME = (
    'class Frame:\n    def _repr_html_(self):\n        return \'<table class="dataframe"><thead><tr>'
    "<th></th><th>city</th><th>population_of_the_city</th><th>note</th></tr></thead>"
    "<tr><th>0</th><td>東京都</td><td>14.1</td><td>a country whose name is long</td></tr></table>'\n"
    "populations_of_all_cities_by_country = Frame()\npopulations_of_all_cities_by_country"
)
OPENED = "a_notebook_with_a_rather_long_name.llmn"
ELSEWHERE = {"web", "open", "quit"}
"""Other tests type these: they leave."""
LINES = (
    *("/help", "/help budget", "/run 2-6", "/run 3", "/cells", "/cells 1-6", "/answers 4 item 2"),
    *("/answers 3", "/use 3.1", "/diff 3", "/why", "/why 4", "/graph", "/vars", "/preview 3"),
    *("/preview ?and {item}", "/calls", "/cost", "/budget 2.50", "/budget ask 0.10", "/mode"),
    *("/mode python", "/system " + LONG, "/schema name, age int, tags[]", "/schema off"),
    *("/tools look_up, count_words", "/tools off", "/each limits_of_everything", "/each off"),
    *(f"/attach {OPENED}", "/attach off", "/model", "/context 2-4", "/context above", "/pin 1"),
    *("/skip 2-4", "/skip 2-4 off", "/edit 3", "/move 2 1", "/undo", "/delete 6", "/undo"),
    *("/restart", "/save no/such/folder/anywhere.llmn", "/nonsense", "/run 99", "nothing?"),
)


def settled(document: str) -> bool:
    lines = [line for line in document.splitlines() if line.strip()]
    return any(re.fullmatch(r"\[\d+\] \w+>", line.strip()) for line in lines[-2:])


def test_no_line_is_left_to_the_terminal_to_break(tmp_path: Path) -> None:
    names = {line[1:].split()[0] for line in LINES if line.startswith("/")}
    assert names >= set(all_commands()) - ELSEWHERE
    notebook = Notebook("Städte 東京都")
    notebook.add_markdown(f"# {LONG}\n\n{LONG}: 東京都の人口はとても多いです 😀")
    notebook.add_code(FRAME)
    notebook.add_prompt(f"{LONG}, and why?", response_var="what_is_odd_about_the_populations")
    notebook.add_prompt("Of {item}", for_each="['Rome', '東京都']", response_var="descriptions")
    notebook.add_code(f"limits_of_everything = [1]\nprint({LONG!r}.replace(' ', '_'))")
    notebook.add_code(f"raise ValueError({LONG!r})")
    save_notebook(notebook, tmp_path / OPENED)
    with Terminal(
        tmp_path,
        *("repl", OPENED),
        columns=COLUMNS,
        rows=24,
        variables={"NO_COLOR": "1"},
        seen_columns=80,
    ) as terminal:
        terminal.wait_for(settled)
        for line in LINES:
            begun = len(terminal.raw)
            terminal.line(line)
            # As it is typed it is broken by the input, as in an editor.
            terminal.wait_for(lambda seen, begun=begun: len(terminal.raw) > begun + 8)
            terminal.wait_for(settled)
        terminal.type("\x04")
        assert terminal.end() == 0
        document = terminal.document()
    assert "Traceback (most recent call last):" not in document
    too_wide = [
        line
        for line in document.splitlines()
        if display_width(line) > COLUMNS and len(line.split()) > 1
    ]
    assert too_wide == []
    # What matters is not cut: the numbers of answers, the names of variables and of choices.
    shown = "".join(document.split())
    assert "●3.2mock/mock" in shown
    assert "what_is_odd_about_the_populationsstr" in shown
    assert "python|prompt|markdown|memory|shell|live|reuse|replay" in shown
