"""Answers are checked apart: what a check says, one that takes long, and processes that end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from llm_repl_core.engine.prompts import schema_process
from llm_repl_core.engine.prompts.schema_process import check_apart
from llm_repl_core.errors import AnswerMisfit, InvalidInput

LIMIT_S = 60.0
ENDLESS = {"type": "string", "pattern": "^(a|aa)+$"}
NEVER_ENDS = "a" * 200 + "b"


def check(schema, *values):
    asyncio.run(asyncio.wait_for(check_apart(schema, *values), LIMIT_S))


def test_a_check_says_what_does_not_fit():
    check({"type": "object"})
    check({"type": "integer"}, 1, 2)
    with pytest.raises(AnswerMisfit, match="integer"):
        check({"type": "integer"}, 1, "two")
    with pytest.raises(InvalidInput, match="schema"):
        check({"type": "nothing"})
    with pytest.raises(InvalidInput, match="refers to itself endlessly"):
        check({"$ref": "#"}, 1)


def test_a_check_that_takes_too_long_is_ended_and_the_next_goes_on(monkeypatch):
    check({"type": "integer"}, 1)  # a process waits from here on
    with monkeypatch.context() as patch:
        patch.setattr(schema_process, "LIMIT_S", 0.2)
        with pytest.raises(InvalidInput, match=r"takes longer than 0\.2 s"):
            check(ENDLESS, NEVER_ENDS)
    check(ENDLESS, "aa")


def test_a_check_that_is_given_up_ends_its_process():
    async def whole():
        task = asyncio.create_task(check_apart(ENDLESS, NEVER_ENDS))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(whole())
    check(ENDLESS, "aa")
    assert time.monotonic() - began < schema_process.LIMIT_S


def test_a_process_that_has_ended_meanwhile_is_replaced():
    check({"type": "integer"}, 1)
    for checker in schema_process._checkers._idle:
        checker.kill()
    with pytest.raises(AnswerMisfit):
        check({"type": "integer"}, "one")


def test_a_process_that_cannot_start_is_told(monkeypatch):
    monkeypatch.setattr(schema_process, "_checkers", schema_process._Checkers())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InvalidInput, match="the process for it ended"):
        check({"type": "integer"}, 1)
    schema_process._checkers.threads.shutdown()


def test_a_process_that_does_not_start_is_told(monkeypatch, tmp_path):
    sleeper = tmp_path / "python"
    sleeper.write_text(f"#!/bin/sh\nexec sleep {LIMIT_S:.0f}\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(schema_process, "_checkers", schema_process._Checkers())
    monkeypatch.setattr(schema_process, "_START_LIMIT_S", 0.1)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    with pytest.raises(InvalidInput, match=r"did not start within 0\.1 s"):
        check({"type": "integer"}, 1)
    schema_process._checkers.threads.shutdown()


def ask_process(*lines):
    """What a process of its own says to these lines, until nobody writes any more."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", schema_process.__name__],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert done.stderr == ""
    ready, *said = done.stdout.split("\n")
    assert (ready, said.pop()) == ("", "")
    return [json.loads(line) for line in said]


def test_the_process_answers_line_by_line_and_ends_with_who_asks():
    documents = [
        {"schema": {"type": "integer"}, "values": [1]},
        {"schema": {"type": "integer"}, "values": [1, "two", "three"]},
        {"schema": {"type": 7}, "values": []},
        {"schema": {"type": "integer"}, "values": []},
    ]
    deep = '{"schema": {}, "values": [' + "[" * 100_000 + "]" * 100_000 + "]}"
    fits, misfit, problem, nested, alone = ask_process(
        *map(json.dumps, documents[:3]), deep, json.dumps(documents[3])
    )
    assert fits == alone == {}
    assert "integer" in misfit["misfit"]
    assert "schema" in problem["problem"]
    assert nested == {"problem": "`schema`, or the answer, is nested too deeply."}
    assert ask_process() == []


def test_the_process_ends_itself_where_nobody_ends_it():
    code = (
        f"import {schema_process.__name__} as process, sys\n"
        "process.LIMIT_S = -4.9\n"
        "process._serve()\n"
    )
    document = json.dumps({"schema": ENDLESS, "values": [NEVER_ENDS]})
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=f"{document}\n",
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == -signal.SIGALRM
    assert done.stdout == "\n"


def test_none_is_left_when_its_program_ends():
    code = (
        "import asyncio, os\n"
        f"from {schema_process.__name__} import _checkers, check_apart\n"
        "asyncio.run(check_apart({'type': 'integer'}, 1))\n"
        "print(_checkers._idle[0]._process.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
