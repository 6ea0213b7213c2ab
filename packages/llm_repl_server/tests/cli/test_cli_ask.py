"""`llm-repl ask`: one question, whose answer is all that standard output gets."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
MODEL = ("-m", "openai/gpt-5.4-mini")


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        yield started


def _variables(server: OpenAIServer) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-of-the-tests", "OPENAI_BASE_URL": server.base_url}


def _sent(server: OpenAIServer) -> list[tuple[str, str]]:
    messages = server.requests[-1].body["messages"]
    return [(message["role"], message["content"]) for message in messages]


def test_the_answer_alone_is_on_standard_output(llm_repl: RunCommand, server: OpenAIServer) -> None:
    server.script(Reply(text="Forty-two.\n\nOr so."))
    ended = llm_repl("ask", "How {many}?", *MODEL, "-s", "Be {brief}.", **_variables(server))
    assert (ended.returncode, ended.stdout) == (0, "Forty-two.\n\nOr so.\n")
    assert ended.stderr == ""
    assert _sent(server) == [("system", "Be {brief}."), ("user", "How {many}?")]


def test_files_and_the_standard_input_go_with_it(
    llm_repl: RunCommand, server: OpenAIServer, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,{2}\n```\n")
    llm_repl("ask", "Odd?", "t.csv", "-", *MODEL, stdin="+ line {x}\n", **_variables(server))
    assert _sent(server)[-1][1] == (
        "Odd?\n\nt.csv:\n\n````\na,b\n1,{2}\n```\n````\n\n```\n+ line {x}\n```"
    )


def test_the_question_comes_from_the_standard_input(
    llm_repl: RunCommand, server: OpenAIServer, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    llm_repl("ask", "-", "t.csv", *MODEL, stdin="What is {odd}?\n", **_variables(server))
    assert _sent(server)[-1][1] == "What is {odd}?\n\n\nt.csv:\n\n```\na\n1\n```"


def test_a_picture_goes_as_it_is(
    llm_repl: RunCommand, server: OpenAIServer, tmp_path: Path
) -> None:
    picture = b"\x89PNG\r\n\x1a\n\x00\x00rest"
    (tmp_path / "p.png").write_bytes(picture)
    ended = llm_repl("ask", "What is it?", "p.png", *MODEL, **_variables(server))
    assert ended.returncode == 0, ended.stderr
    parts = server.requests[-1].body["messages"][-1]["content"]
    assert [part["type"] for part in parts].count("image_url") == 1


def test_going_on_sends_what_came_before(llm_repl: RunCommand, server: OpenAIServer) -> None:
    llm_repl("ask", "First {a}", *MODEL, **_variables(server))
    llm_repl("ask", "-c", "Second", *MODEL, **_variables(server))
    assert [text for _, text in _sent(server)] == ["First {a}", "First {a}", "Second"]
    llm_repl("ask", "Third", *MODEL, **_variables(server))
    assert [text for _, text in _sent(server)] == ["Third"]


def test_json_has_usage_and_price(llm_repl: RunCommand, server: OpenAIServer) -> None:
    prices = json.dumps({"openai/gpt-5.4-mini": {"input": 1, "output": 2}})
    ended = llm_repl("ask", "Hi", *MODEL, "--json", **_variables(server), LLM_REPL_PRICES=prices)
    answer = json.loads(ended.stdout)
    assert (answer["answer"], answer["provider"], answer["model"]) == (
        "Hi",
        "openai",
        "gpt-5.4-mini",
    )
    assert answer["price_usd"] == pytest.approx(3e-6)
    assert answer["usage"]["output_tokens"] == 1


def test_a_structured_answer_is_json(llm_repl: RunCommand) -> None:
    ended = llm_repl("ask", "Who?", "--schema", "name, age int")
    assert (ended.returncode, sorted(json.loads(ended.stdout))) == (0, ["age", "name"])


def test_the_calls_are_kept_for_their_owner_alone(llm_repl: RunCommand, tmp_path: Path) -> None:
    llm_repl("ask", "Keep this")
    assert "Keep this" in llm_repl("calls", "list", "--json").stdout
    kept = tmp_path / "data" / "last-question.llmn"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = json.loads(llm_repl("ask", "Keep this", "--reuse", "--json").stdout)
    assert again["source"] == "reuse"


def test_what_is_not_kept(llm_repl: RunCommand, tmp_path: Path) -> None:
    assert llm_repl("ask", "Forget this", "--no-log").returncode == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Hi", "absent.csv"), "There is no file absent.csv."),
        (("-c", "Hi"), "There is no last question to go on with: leave out -c."),
        (("Hi", "--schema", "name nosuchtype"), "nosuchtype"),
        (("Hi", "-m", "openai/gpt-5.4"), "needs a key"),
        (("",), "There is nothing to ask: the question is empty."),
        (("-",), "There is nothing to ask: the question is empty."),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    llm_repl: RunCommand, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = llm_repl("ask", *arguments)
    assert (ended.returncode != 0, ended.stdout, ended.stderr.count("\n")) == (True, "", 1)
    assert sentence in ended.stderr


def test_an_answer_that_breaks_off_fails_and_what_came_is_there(
    llm_repl: RunCommand, server: OpenAIServer
) -> None:
    server.script(*[Reply(text="One two three four five", break_after=4)] * 6)
    ended = llm_repl("ask", "Count", *MODEL, **_variables(server))
    assert ended.returncode == 1
    assert ended.stdout.startswith("One two")
    assert ended.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("again", "printed", "said"),
    [
        ("One two three four five", "One two three four five\n", ""),
        ("Eins zwei", "One two three \nEins zwei\n", "The answer broke off; the one that"),
    ],
)
def test_what_was_printed_of_an_answer_that_broke_off_is_not_printed_again(
    llm_repl: RunCommand, server: OpenAIServer, again: str, printed: str, said: str
) -> None:
    broken = Reply(text="One two three four five", break_after=4, delay_per_piece_s=0.05)
    server.script(broken, Reply(text=again))
    ended = llm_repl("ask", "Count", *MODEL, **_variables(server))
    assert (ended.returncode, ended.stdout) == (0, printed)
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == bool(said)
