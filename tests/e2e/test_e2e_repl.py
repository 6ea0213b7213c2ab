"""The terminal as a person has it: real terminals, read from their screens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repl_terminal import Terminal, is_at, wait_for_input

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
TRANSCRIPT = HOW_TO / "terminal-session.txt"
LINES = (
    "prices = [3, 5, 9]",
    "sum(prices)",
    "?what is odd about {prices}",
    "_[:25]",
    ":currency = 'EUR'",
    "# Prices",
    "!echo done",
    "/cells",
    "/undo",
)
ITEMS = (
    "notes = ['no stars', '{\"stars\": 2}', '{\"stars\": 5}']",
    "/model mock/echo",
    "/schema stars int",
    "/each notes",
    "?{item}",
    "notes[0] = '{\"stars\": 1}'",
    "/run 2",
    "[note['stars'] for note in _]",
    "/answers 2 item 1",
    "/each off",
    "/schema off",
)
TOOLS = (
    "/open tools.llmn",
    "def stock(tea): 'How many tins.'; return {'Oolong': 3}.get(tea, 0)",
    "/tools stock",
    "/tools ask",
    '/model mock/call:stock {"tea": "Oolong"}',
    "?How many tins of Oolong are there?",
    "y",
    "/tools off",
    "/model mock/mock",
    "?What should I order, given {response_1}?",
    "?Say it shorter: {response_2}",
    "/run 3",
    "/answers 3",
    "/use 3.1",
    "/graph",
    "/why",
)
COLOUR = re.compile(rb"\x1b\[[0-9;]*[34][0-7]m")
SLOW = "mock/echo+per_token=0.1"


def without_times(document: str) -> str:
    """A document in which nothing depends on the day, the machine or its load."""
    document = re.sub(r"\d+\.\d s(?=:|$)", "0.1 s", document, flags=re.MULTILINE)
    return re.sub(
        r"The notebook is\s.*\.llmn", "The notebook is (a file)", document, flags=re.DOTALL
    )


def talk(terminal: Terminal) -> str:
    """Type the lines of the transcript, and leave; the document."""
    number = 1
    terminal.wait_for(is_at(1))
    for line in LINES:
        terminal.line(line)
        # Commands add no cell; the last one takes one away.
        number += {"/cells": 0, "/undo": -1}.get(line, 1)
        wait_for_input(terminal, number)
    terminal.type("\x04")
    assert terminal.end() == 0
    return terminal.document()


def test_the_transcript_of_the_documentation_is_what_is_seen(tmp_path: Path) -> None:
    with Terminal(tmp_path, rows=60) as terminal:
        seen = without_times(talk(terminal))
        assert COLOUR.search(terminal.raw) or b"\x1b[1m" in terminal.raw
    compare(seen, TRANSCRIPT)
    [path] = (tmp_path / "data" / "scratch").glob("*.llmn")
    assert [cell.type for cell in load_notebook(path)] == [
        *("code", "code", "prompt", "code", "memory", "markdown")
    ]
    history = tmp_path / "data" / "repl-history"
    assert history.stat().st_mode & 0o077 == 0
    assert "+?what is odd about {prices}" in history.read_text()


def compare(seen: str, transcript: Path) -> None:
    if os.environ.get("LLM_REPL_WRITE_TRANSCRIPT"):
        transcript.write_text(f"{seen}\n", encoding="utf-8")
    assert f"{seen}\n" == transcript.read_text(encoding="utf-8")


def test_items_that_fail_and_tools_that_ask_are_seen_as_documented(tmp_path: Path) -> None:
    def waits(document: str) -> bool:
        lines = [line for line in document.splitlines() if line.strip()]
        asked = any("Allow it?" in line and line.endswith("[N]o") for line in lines[-1:])
        return asked or any(re.fullmatch(r"\[\d+\] \w+>", line.strip()) for line in lines[-2:])

    with Terminal(tmp_path, rows=200) as terminal:
        terminal.wait_for(is_at(1))
        for line in (*ITEMS, *TOOLS):
            terminal.line(line)
            terminal.wait_for(lambda document, line=line: line in document.replace("\n", ""))
            terminal.wait_for(waits)
        seen = without_times(terminal.document())
        terminal.type("\x04")
        assert terminal.end() == 0
    first = seen.index(TOOLS[0])
    compare(
        seen[seen.index("[1] py>") : seen.rindex("\n", 0, first)], HOW_TO / "terminal-items.txt"
    )
    last = seen.rindex("\n[")  # the input that waits
    compare(seen[seen.rindex("\n", 0, first) + 1 : last], HOW_TO / "terminal-tools.txt")


def test_a_narrow_terminal_without_colour_shows_the_same(tmp_path: Path) -> None:
    with Terminal(tmp_path, columns=40, rows=60, variables={"NO_COLOR": "1"}) as terminal:
        seen = talk(terminal)
        assert not COLOUR.search(terminal.raw)
    assert max(map(len, seen.splitlines())) <= 40
    together = "".join(without_times(seen).split())
    for line in TRANSCRIPT.read_text(encoding="utf-8").splitlines()[1:-1]:
        assert "".join(line.split()) in together, line


def test_ctrl_c_stops_what_goes_on_and_never_the_session(tmp_path: Path) -> None:
    notebook = Notebook("Tools")
    notebook.add_code("def look(place: str) -> str:\n    'Look.'\n    return 'seen'")
    notebook.add_prompt(
        "Look.", model='mock/call:look {"place": "x"}', tools=["look"], approve_tools=True
    )
    save_notebook(notebook, tmp_path / "tools.llmn")
    with Terminal(tmp_path, "repl", "tools.llmn", rows=80) as terminal:
        terminal.wait_for(is_at(3))
        # Clears the line.
        terminal.type("half a li")
        terminal.wait_for("half a li")
        terminal.interrupt()
        terminal.wait_for(lambda document: "half a li" not in document)
        # Stops code; what was there before is there.
        terminal.line("import time; kept = 'kept'; time.sleep(100)")
        terminal.wait_for("Ctrl-C stops")
        terminal.interrupt()
        wait_for_input(terminal, 4)
        assert "stopped" in terminal.document()
        # Stops an answer; what had come of it is printed.
        terminal.line(f"/model {SLOW}")
        terminal.wait_for("answered by")
        words = " ".join(f"word{number}" for number in range(300))
        terminal.line(f"?first {words}")
        terminal.wait_for("answers ·")
        terminal.interrupt()
        wait_for_input(terminal, 5)
        # Is no answer to the question whether a tool may be called.
        terminal.line("/run 1-2")
        terminal.wait_for("Allow it?")
        terminal.interrupt()
        wait_for_input(terminal, 5)
        # A yes is one.
        terminal.line("/run 2")
        terminal.wait_for(lambda document: document.count("Allow it?") == 2)
        terminal.line("y")
        terminal.wait_for("→ look(")
        wait_for_input(terminal, 5)
        terminal.line("kept")
        terminal.wait_for("'kept'")
        terminal.type("\x04")
        assert terminal.end() == 0
    kept = load_notebook(tmp_path / "tools.llmn")
    assert [cell.status for cell in kept] == [
        *("completed", "completed", "interrupted", "interrupted", "completed")
    ]


def test_a_paste_runs_nothing_and_answers_stream_while_the_terminal_is_resized(
    tmp_path: Path,
) -> None:
    pasted = "\n".join(f"v{number} = {number}" for number in range(200))
    with Terminal(tmp_path, "repl", "-m", SLOW, "pasted.llmn", rows=50) as terminal:
        terminal.wait_for(is_at(1))
        terminal.paste(pasted)
        terminal.wait_for("v199 = 199")
        assert is_at(2) not in terminal.document()
        terminal.line("")
        terminal.wait_for(is_at(2))
        # Also what is pasted while something runs waits for a person.
        terminal.line("import time; time.sleep(2)")
        terminal.wait_for("Ctrl-C stops")
        terminal.paste("v199 = 'changed'\nv198 = 'changed'\n")
        terminal.wait_for(lambda document: "v198 = 'changed'" in document)
        assert is_at(4) not in terminal.document()
        terminal.interrupt()
        terminal.line("v199")
        terminal.wait_for("\n199")
        blocks = [f"block{number} of the answer" for number in range(8)]
        terminal.line("/mode prompt")
        terminal.wait_for(is_at(4, "ask"))
        terminal.paste("\n\n".join(blocks))
        terminal.wait_for(blocks[-1])
        terminal.line("")
        terminal.wait_for(lambda document: document.count(blocks[1]) == 2)
        terminal.resize(50, 30)
        terminal.wait_for(is_at(5, "ask"))
        answer = terminal.document().rpartition(is_at(4, "ask"))[2]
        for block in blocks:
            assert answer.count(block) == 2  # as it was typed, and as it was answered
        assert "mock/echo" in answer
        terminal.type("\x04")
        assert terminal.end() == 0


def test_an_interrupt_from_elsewhere_takes_the_line_and_no_session(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(is_at(1))
        for count in range(1, 4):
            terminal.type("half")
            terminal.wait_for(lambda document, count=count: document.count("py> half") == count)
            os.kill(terminal.process.pid, signal.SIGINT)
            terminal.wait_for(lambda document, count=count: document.count("[1] py>") == count + 1)
        terminal.line("print('still here')")
        terminal.wait_for("\nstill here")
        terminal.type("\x04")
        assert terminal.end() == 0


def test_an_editor_that_fails_ends_no_session(tmp_path: Path) -> None:
    with Terminal(tmp_path, variables={"EDITOR": "false", "VISUAL": None}) as terminal:
        terminal.wait_for(is_at(1))
        terminal.line("x = 'still here'")
        terminal.wait_for(is_at(2))
        terminal.line("/edit 1")
        terminal.wait_for("The editor `false` failed.")
        terminal.line("print(x)")
        terminal.wait_for("\nstill here")
        terminal.type("\x04")
        assert terminal.end() == 0


def test_what_is_known_completes_and_what_is_not_is_underlined(tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\necho 'written in an editor' > \"$1\"\n")
    editor.chmod(0o755)
    with Terminal(tmp_path, variables={"EDITOR": str(editor), "VISUAL": None}) as terminal:
        terminal.wait_for("kernel idle")
        terminal.line("populations = {'Rome': 2.8}")
        terminal.wait_for(is_at(2))
        terminal.type("?how many in {pop")
        terminal.wait_for("dict")
        terminal.wait_for("≤ $0")
        terminal.type("\t} and {nobody}")
        terminal.wait_for("{populations} and {nobody}")
        [row] = [line for line in terminal.screen.display if "{nobody}" in line]
        row_number = terminal.screen.display.index(row)
        cells = terminal.screen.buffer[row_number]
        terminal.wait_for(lambda _: cells[row.index("{nobody}") + 1].underscore)
        assert not cells[row.index("{populations}") + 1].underscore
        terminal.interrupt()
        terminal.type("\t")
        terminal.wait_for(is_at(2, "ask"))
        terminal.type("/mod")
        terminal.wait_for("/model")
        terminal.interrupt()
        terminal.type("\x18\x05")  # Ctrl-X Ctrl-E
        terminal.wait_for("written in an editor")
        assert is_at(3, "ask") not in terminal.document()
        terminal.interrupt()
        terminal.line("/mode python")
        terminal.wait_for("are Python now")
        terminal.line("populations?")
        terminal.wait_for("populations: dict")
        terminal.type("\x04")
        assert terminal.end() == 0


def test_prompts_that_run_at_once_are_printed_in_order_and_a_signal_leaves_in_order(
    tmp_path: Path,
) -> None:
    notebook = Notebook("Many")
    notebook.add_prompt("slow\n\nand slower", model="mock/echo+per_token=0.5")
    notebook.add_prompt("quick", model="mock/echo+think=a thought")
    notebook.add_prompt("each {item}", for_each="[1, 2]", model="mock/echo+delay=1.5")
    save_notebook(notebook, tmp_path / "many.llmn")
    with Terminal(tmp_path, "repl", "many.llmn") as terminal:
        terminal.wait_for(is_at(4))
        terminal.line("/run all")
        terminal.wait_for("[3] prompt: each {item} ·")  # a line for each that runs
        terminal.wait_for(lambda document: document.count(is_at(4)) == 2)
        document = terminal.document()
        places = [
            document.index(text)
            for text in ("slow\n\nand slower\nmock/", "thought for", "each 1\neach 2", "2 answers")
        ]
        assert places == sorted(places)
        terminal.line("after = 1")
        terminal.wait_for(is_at(5))
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
        assert "The notebook is many.llmn" in terminal.document()
    assert [cell.content for cell in load_notebook(tmp_path / "many.llmn")][-1] == "after = 1"


@pytest.mark.parametrize("how", ["plain", "dumb"])
def test_nothing_is_drawn_that_goes_away_again(tmp_path: Path, how: str) -> None:
    arguments = ("repl", "--plain") if how == "plain" else ("repl",)
    variables: dict[str, str | None] = {"TERM": "dumb"} if how == "dumb" else {}
    with Terminal(tmp_path, *arguments, variables=variables) as terminal:
        terminal.wait_for(is_at(1))
        terminal.line("import time; time.sleep(1); 6 * 7")
        terminal.wait_for("\n42")
        terminal.line("?say {_}")
        terminal.wait_for("You asked: say 42")
        terminal.type("\x04")
        assert terminal.end() == 0
        for drawn in (b"Ctrl-C stops", b"kernel idle"):
            assert drawn not in terminal.raw
        if how == "dumb":
            assert b"\x1b" not in terminal.raw


def test_lines_of_a_pipe_run_until_one_fails(tmp_path: Path) -> None:
    def run(text: bytes | None, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "llm_repl_server.cli.entry", *arguments],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            cwd=tmp_path,
            env=os.environ
            | {
                "LLM_REPL_CONFIG_DIR": str(tmp_path / "config"),
                "LLM_REPL_DATA_DIR": str(tmp_path / "data"),
            },
            timeout=120,
            check=False,
        )

    done = run(b"x = 20\nfor i in (1, 2):\n    x += i\nx\n?say {x}\n", "repl", "kept.llmn")
    assert done.stdout.decode() == "23\nThis is the mock model. You asked: say 23\n"
    assert b"mock/mock" in done.stderr
    assert done.returncode == 0
    assert len(load_notebook(tmp_path / "kept.llmn")) == 4
    failed = run(b"1/0\nprint('not reached')\n")  # also without a command
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert b"ZeroDivisionError" in failed.stderr
    assert run(b"\xff\xfe\x00x", "repl").returncode == 2
    nobody = run(None)
    assert (nobody.returncode, b"Commands:" in nobody.stderr) == (2, True)
    assert not (tmp_path / "data" / "scratch").exists()


def test_what_cannot_be_asked_or_saved_is_said_in_a_sentence(tmp_path: Path) -> None:
    variables: dict[str, str | None] = {"LLM_REPL_CALL_ATTEMPTS": "1", "OPENAI_API_KEY": "sk-x"}
    arguments = ("repl", "lost.llmn", "--provider", "openai", "--base-url", "http://127.0.0.1:9/v1")
    with Terminal(tmp_path, *arguments, variables=variables, rows=50) as terminal:
        terminal.wait_for(is_at(1))
        terminal.line("?hello")
        terminal.wait_for(is_at(2))
        assert "Traceback" not in terminal.document()
        (tmp_path / "lost.llmn").write_text("somebody else's")
        terminal.line("x = 1")
        terminal.wait_for("changed by somebody else")
        terminal.type("\x04")
        terminal.wait_for("Leave all the same?")
        terminal.line("n")
        wait_for_input(terminal, 3)
        terminal.line("/save found.llmn")
        terminal.wait_for("Saved in")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert (tmp_path / "lost.llmn").read_text() == "somebody else's"
    assert len(load_notebook(tmp_path / "found.llmn")) == 2
    with Terminal(tmp_path, "repl", "lost.llmn") as terminal:
        assert terminal.end() != 0
        assert "Error: " in terminal.document()
        assert "Traceback" not in terminal.document()


def test_a_thread_prints_above_what_is_being_typed(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for("[1] py>")
        terminal.line("import os, threading, time")
        terminal.wait_for("[2] py>")
        terminal.line(
            "wait = lambda: [time.sleep(0.01) for _ in iter(lambda: os.path.exists('go'), True)]"
        )
        terminal.wait_for("[3] py>")
        terminal.line("threading.Thread(target=lambda: (wait(), print('late'))).start()")
        terminal.wait_for("[4] py>")
        terminal.type("x = 1 + ")
        terminal.wait_for("x = 1 +")
        (tmp_path / "go").touch()
        document = terminal.wait_for(
            lambda seen: "late\n" in seen and "x = 1 +" in seen.split("late")[-1]
        )
        assert "Cell 3 goes on:\n  late\n[4] py> x = 1 +" in document
        terminal.line("2")
        terminal.wait_for("[5] py>")


def test_ctrl_c_right_behind_enter_stops_the_line(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for("[1] py>")
        terminal.line("import time")
        terminal.wait_for("[2] py>")
        terminal.type("time.sleep(600)\r\x03")  # read at once, so that it is a key
        terminal.wait_for("Stopped.\n[2] py>")
        terminal.type("1 + 1\r2 + 2\r")  # what is typed ahead is not lost
        assert "[3] py> 2 + 2\n4\n" in terminal.wait_for("[4] py>")
