"""`llm-repl calls`: the log of calls, as a person looks at it."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llm_repl_core import Citation, Media, Refusal, ServerToolCall, Text
from llm_repl_core.ledger.record import Attempt, CallError, CallPlace, CallRecord
from llm_repl_core.providers.base import Usage
from llm_repl_server.storage.call_log import CallLog

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


Fill = Callable[..., list[CallRecord]]

NOW = datetime.now(UTC)
COMMAND = shlex.join([sys.executable, "-m", "llm_repl_server.cli.entry"])


def a_call(number: int = 0, **fields: object) -> CallRecord:
    text = fields.pop("prompt", f"Question {number}\nwith two lines")
    given = {
        "id": f"{number:08x}-1111-4111-8111-111111111111",
        "notebook_id": "notebook-one",
        "run_id": "run-one",
        "place": CallPlace(cell_id=f"cell-{number}"),
        "identity": f"{number:064x}",
        "provider": "openai",
        "model": "gpt-5.4-mini",
        "request": {
            "provider": "openai",
            "model": "gpt-5.4-mini",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": text},
            ],
            "temperature": 0.5,
        },
        "body": {},
        "state": "completed",
        "started_at": NOW - timedelta(hours=number),
        "duration_s": 1.25,
        "first_token_s": 0.25,
        "attempts": (Attempt(started_at=NOW, duration_s=1.0),),
        "text": f"Answer {number}",
        "usage": Usage(input_tokens=1234, output_tokens=56),
        "price_usd": 0.00123,
        "finish_reason": "stop",
    }
    return CallRecord(**given | fields)


@pytest.fixture
def fill(environment: dict[str, str]) -> Fill:
    def write(*records: CallRecord) -> list[CallRecord]:
        """Record calls of which the first given is the last that was made."""
        with CallLog(f"sqlite:///{environment['LLM_REPL_DATA_DIR']}/llm-repl.db") as log:
            for future in [log.calls.begin_call(record) for record in reversed(records)]:
                future.result(10)
        return list(records)

    return write


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list"], "No calls have been recorded yet.\n"),
        (["list", "--model", "x"], "No recorded call matches.\n"),
        (["search", "x"], "No recorded call matches.\n"),
        (["export"], ""),
    ],
)
def test_an_empty_log_is_no_error(
    llm_repl: RunCommand, arguments: list[str], sentence: str
) -> None:
    ended = llm_repl("calls", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", sentence)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--notebook", "nope.llmn"], 2, "There is no file nope.llmn"),
        (["--notebook", ""], 2, "--notebook is empty"),
        (["--model", ""], 2, "--model is empty"),
    ],
)
def test_a_filter_that_can_mean_nothing_is_refused(
    llm_repl: RunCommand, arguments: list[str], code: int, sentence: str
) -> None:
    ended = llm_repl("calls", "list", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert sentence in ended.stderr


def test_the_list_fits_80_columns_and_begins_with_the_last(
    llm_repl: RunCommand, fill: Fill
) -> None:
    long = {"prompt": "word " * 100, "model": "a-model-with-a-very-long-name-indeed-2026-01-01"}
    failed = {
        "state": "failed",
        "error": CallError(type="RateLimited", message="Too many requests. " * 20),
        "usage": None,
        "price_usd": None,
    }
    fill(a_call(1), a_call(2, **long), a_call(3, **failed), a_call(4, prompt="漢字" * 60))
    lines = llm_repl("calls", "list").stdout.splitlines()
    widths = [sum(2 if letter in "漢字" else 1 for letter in line) for line in lines]
    assert max(widths) <= 80
    assert [line[:8] for line in lines if line[0] != " "] == [f"{n:08x}" for n in (1, 2, 3, 4)]
    first, asked = lines[:2]
    for words in ("completed", "openai/gpt-5.4-mini", "1,234+56", "$0.00123"):
        assert words in first
    assert asked.strip() == "Question 1 with two lines"
    assert any("RateLimited: Too many requests." in line for line in lines)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [0, 1, 2, 30]),
        (["--limit", "2"], [0, 1]),
        (["--state", "failed"], [1]),
        (["--model", "other"], [2]),
        (["--notebook", "notebook-two"], [2]),
        (["--since", "90m"], [0, 1]),
        (["--since", "1d"], [0, 1, 2]),
        (["--since", (NOW - timedelta(hours=1, minutes=30)).isoformat()], [0, 1]),
        (["--since", "2020-01-01", "--limit", "3"], [0, 1, 2]),
    ],
)
def test_filters(llm_repl: RunCommand, fill: Fill, options: list[str], numbers: list[int]) -> None:
    fill(
        a_call(0),
        a_call(1, state="failed"),
        a_call(2, model="other", notebook_id="notebook-two"),
        a_call(30),
    )
    listed = json.loads(llm_repl("calls", "list", "--json", *options).stdout)
    assert [int(one["id"][:8], 16) for one in listed] == numbers


def test_a_notebook_is_named_by_its_file_as_well(
    llm_repl: RunCommand, fill: Fill, prompts: Callable[..., Path]
) -> None:
    prompts("One")
    fill(a_call(0), a_call(1, notebook_id="id of p.llmn"))
    listed = json.loads(llm_repl("calls", "list", "--json", "--notebook", "p.llmn").stdout)
    assert [one["notebook_id"] for one in listed] == ["id of p.llmn"]


def test_search_finds_words_of_messages_and_answers(llm_repl: RunCommand, fill: Fill) -> None:
    fill(a_call(0, text="The Danube flows"), a_call(1, prompt="Which river?"), a_call(2))
    for words, number in ((("danube",), 0), (("RIVER", "which"), 1), (("river", "danube"), None)):
        ended = llm_repl("calls", "search", *words)
        found = [line[:8] for line in ended.stdout.splitlines() if line[0] != " "]
        assert found == ([] if number is None else [f"{number:08x}"])
    assert llm_repl("calls", "search", '"OR (*', "NEAR/").returncode == 0
    assert llm_repl("calls", "search").returncode == 2


def test_show_tells_all_of_a_call(llm_repl: RunCommand, fill: Fill) -> None:
    attempts = (
        Attempt(started_at=NOW, duration_s=0.5, error="RateLimited: wait"),
        Attempt(started_at=NOW, duration_s=0.75),
    )
    fill(a_call(0xABC, attempts=attempts, answered_by="gpt-5.4-mini-2026", prompt="a\x1b[2Jb"))
    ended = llm_repl("calls", "show", "00000abc")
    assert ended.returncode == 0
    for words in (
        "call      00000abc-1111-4111-8111-111111111111\n",
        "openai/gpt-5.4-mini, answered by gpt-5.4-mini-2026\n",
        "state     completed\n",
        "took 1.25 s, first text after 0.25 s\n",
        "tokens    1,234 in, 56 out\n",
        "price     $0.00123\n",
        "temperature 0.5\n",
        "attempt 1 0.50 s: RateLimited: wait\nattempt 2 0.75 s: answered\n",
        "\n--- system\nBe brief.\n",
        "\n--- answer\nAnswer 2748\n",
    ):
        assert words in ended.stdout
    document = json.loads(llm_repl("calls", "show", "00000abc", "--json").stdout)
    assert document["id"].startswith("00000abc")
    assert document["request"]["messages"][1]["content"] == "a\x1b[2Jb"


def test_an_answer_that_was_cut_is_marked_and_reasoning_is_shown(
    llm_repl: RunCommand, fill: Fill
) -> None:
    fill(a_call(1, finish_reason="length", reasoning="Hm. A number?"), a_call(2))
    lines = llm_repl("calls", "list").stdout.splitlines()
    assert [line.strip() for line in lines if "cut off" in line] == ["cut off at the token limit"]
    assert "cut off" in lines[2]  # behind the call that it is of
    shown = llm_repl("calls", "show", "00000001").stdout
    assert "\n--- reasoning\nHm. A number?\n\n--- answer\nAnswer 1\n" in shown
    assert "finish    length\n" in shown


def test_all_parts_of_a_turn_are_shown(llm_repl: RunCommand, fill: Fill) -> None:
    parts = (
        ServerToolCall(id="s", name="search", arguments='{"q": "a"}', result="b"),
        Text(text="Answer 1"),
        Citation(url="https://example.org/", title="A page"),
        Media(media_type="image/png", data=b"PNG", name="a.png"),
        Refusal(text="No more."),
    )
    usage = Usage(
        input_tokens=1200, output_tokens=30, cached_input_tokens=1000, reasoning_tokens=20
    )
    fill(a_call(1, parts=parts, usage=usage, finish_reason="other", provider_finish_reason="pause"))
    shown = llm_repl("calls", "show", "00000001").stdout
    for line in (
        "tokens    1,200 in (1,000 cached), 30 out (20 reasoning)",
        "finish    other (pause)",
        '[the server ran search({"q": "a"}) → b]',
        "[from: A page https://example.org/]",
        "[made: a.png, image/png, 3 bytes]",
        "[refuses: No more.]",
    ):
        assert f"{line}\n" in shown


def test_a_beginning_of_an_id_must_be_of_one_call(llm_repl: RunCommand, fill: Fill) -> None:
    fill(a_call(0x10), a_call(0x11), a_call(0x11, id="00000011"))
    many = llm_repl("calls", "show", "0000001")
    assert (many.returncode, many.stdout) == (2, "")
    assert "Several calls begin with `0000001`" in many.stderr
    assert llm_repl("calls", "show", "00000010").returncode == 0
    assert "call      00000011\n" in llm_repl("calls", "show", "00000011").stdout
    for nothing in ("ffff", "%", "_" * 8, ""):
        ended = llm_repl("calls", "show", nothing)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "There is no recorded call" in ended.stderr


def test_a_call_whose_process_was_killed_reads_as_cut_off(llm_repl: RunCommand, fill: Fill) -> None:
    fill(a_call(1, state="running", text="", usage=None, price_usd=None))
    assert "  interrupted  " in llm_repl("calls", "list").stdout
    assert "the provider may have answered" in llm_repl("calls", "show", "0").stdout


def test_export_writes_all_of_every_call(llm_repl: RunCommand, fill: Fill, tmp_path: Path) -> None:
    fill(*(a_call(number) for number in range(250)))
    lines = llm_repl("calls", "export").stdout.splitlines()
    assert [int(json.loads(line)["id"][:8], 16) for line in lines] == list(range(250))
    (tmp_path / "calls.jsonl").write_text("old")
    ended = llm_repl("calls", "export", "-o", "calls.jsonl", "--since", "99h")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert (tmp_path / "calls.jsonl").read_text().splitlines() == lines[:99]
    assert stat.S_IMODE((tmp_path / "calls.jsonl").stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.tmp")) + list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["export", "-o", "no/such/file"], "its folder does not exist", 2),
        (["export", "-o", "."], "is a folder; name a file", 2),
        (["list", "--since", "yesterday"], "must be a date", 2),
        (["list", "--since", "999999w"], "must be a date", 2),
        (["list", "--limit", "0"], "not in the range", 2),
        (["list", "--state", "lost"], "'lost' is not one of", 2),
        (["show"], "Missing argument 'CALL_ID'", 2),
    ],
)
def test_bad_input_gets_a_sentence(
    llm_repl: RunCommand, arguments: list[str], sentence: str, code: int
) -> None:
    ended = llm_repl("calls", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_cannot_be_read_gets_a_sentence(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "llm-repl.db").write_text("no database" * 100)
    ended = llm_repl("calls", "list")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "is not a SQLite database" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["list --limit 1000", "export"])
def test_a_reader_that_leaves_early_is_no_error(
    environment: dict[str, str], fill: Fill, command: str
) -> None:
    fill(*(a_call(number, prompt="x" * 3000) for number in range(300)))
    ended = subprocess.run(
        ["bash", "-c", f"{COMMAND} calls {command} | head -n 1 | wc -l"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout.strip(), ended.stderr) == ("1", "")
