"""Checks answers in processes of their own, where a check may take long.

A regular expression may search for ever, ``uniqueItems`` compares each item with each other, and
a schema that refers to itself is walked through again and again; an answer comes from a model, and
in the engine's process such a check would stop every notebook. These processes check one answer
after another, are ended where one takes too long, and end with the process that started them.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llm_repl_core.errors import AnswerMisfit, InvalidInput
from llm_repl_core.model.json_value import JSONValue

__all__ = ["check_apart"]

LIMIT_S = 10.0
"""How long a check may take."""

_START_LIMIT_S = 60.0
"""How long a process may take to start, which on a busy machine is no fault of the answer."""

_AT_ONCE = max(2, os.cpu_count() or 1)
_KEPT_SCHEMAS = 20


async def check_apart(schema: dict[str, JSONValue], *values: JSONValue) -> None:
    """Check a schema, and answers by it. Cancelling ends the check.

    Args:
        schema: The JSON Schema.
        values: The answers; none: the schema alone is checked.

    Raises:
        AnswerMisfit: One does not fit; the message, for the model, says where and what.
        InvalidInput: The schema cannot be used, or checking takes too long.
    """
    check = _Check(json.dumps({"schema": schema, "values": values}).encode("ascii"))
    loop = asyncio.get_running_loop()
    try:
        outcome = await loop.run_in_executor(_checkers.threads, check.run)
    except asyncio.CancelledError:
        check.give_up()
        raise
    if "misfit" in outcome:
        raise AnswerMisfit(outcome["misfit"])
    if "problem" in outcome:
        raise InvalidInput(outcome["problem"])


class _Checker:
    """A process that checks. Used by one thread at a time, but for `kill`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  this very file
            # Without the current folder, in which anybody's `json.py` may lie.
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the process that asks
        )

    def wait_until_ready(self) -> bytes:
        """What it says when it has started, a line; empty where it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def ask(self, document: bytes) -> bytes:
        """What it says of a document, a line of JSON; empty where it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(document + b"\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()
        return b""

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


class _Checkers:
    """The processes that wait for work, and the threads that wait for those that work."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="llm-repl-schema")
        self._idle: list[_Checker] = []
        self._lock = threading.Lock()

    def take(self) -> tuple[_Checker, bool]:
        """A process, and whether it is new."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        return _Checker(), True

    def give_back(self, checker: _Checker) -> None:
        with self._lock:
            self._idle.append(checker)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for checker in idle:
            checker.close()


_checkers = _Checkers()
atexit.register(_checkers.close)


class _Check:
    """One check: run in a thread, given up from another."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._lock = threading.Lock()
        self._checker: _Checker | None = None
        self._ends: str | None = None
        """Why it was ended."""

    def run(self) -> dict[str, str]:
        """What became of it: a ``misfit``, a ``problem``, or nothing of the kind."""
        while True:
            checker, is_new = _checkers.take()
            said = self._ask(checker, is_new=is_new)
            if said.endswith(b"\n"):
                _checkers.give_back(checker)
                outcome: dict[str, str] = json.loads(said)
                return outcome
            checker.close()
            if self._ends is not None:
                return {"problem": self._ends}
            if is_new:
                return {"problem": "The answer could not be checked: the process for it ended."}

    def give_up(self, why: str = "It was stopped.") -> None:
        """End it."""
        with self._lock:
            self._ends = why
            if self._checker is not None:
                self._checker.kill()

    def _ask(self, checker: _Checker, *, is_new: bool) -> bytes:
        with self._lock:
            if self._ends is not None:
                return b""
            self._checker = checker
        try:
            if is_new and not self._within(_START_LIMIT_S, _NO_START, checker.wait_until_ready):
                return b""
            return self._within(LIMIT_S, _TOO_LONG, lambda: checker.ask(self._document))
        finally:
            with self._lock:
                self._checker = None

    def _within(self, limit_s: float, why: str, read: Callable[[], bytes]) -> bytes:
        timer = threading.Timer(limit_s, self.give_up, [why.format(limit=f"{limit_s:g}")])
        timer.daemon = True
        timer.start()
        try:
            return read()
        finally:
            timer.cancel()


_NO_START = "The answer could not be checked: the process for it did not start within {limit} s."
_TOO_LONG = (
    "`schema`: checking this answer takes longer than {limit} s. In a `pattern`, repeat nothing "
    "within what is repeated; leave out `uniqueItems` for long lists of objects."
)


# In the process that checks ------------------------------------------------------------------


def _serve() -> None:
    """Check what comes line by line, until nobody is there any more."""
    # Only in this process: the one that asks has it where it is needed.
    from functools import lru_cache

    from llm_repl_core.engine.prompts.answer_schema import SchemaChecker

    @lru_cache(_KEPT_SCHEMAS)
    def checker_of(schema: str) -> SchemaChecker:
        return SchemaChecker(json.loads(schema))

    SchemaChecker({})  # has the library imported
    sys.stdout.write("\n")
    sys.stdout.flush()
    for line in sys.stdin.buffer:
        outcome: dict[str, str] = {}
        # Whoever asked ends it in time, but may itself have been killed.
        _end_after(LIMIT_S + 5)
        try:
            document: Any = json.loads(line)
            checker = checker_of(json.dumps(document["schema"]))
            for value in document["values"]:
                checker.check(value)
        except AnswerMisfit as error:
            outcome = {"misfit": str(error)}
        except InvalidInput as error:
            outcome = {"problem": str(error)}
        except RecursionError:
            outcome = {"problem": "`schema`, or the answer, is nested too deeply."}
        _end_after(0)
        sys.stdout.write(f"{json.dumps(outcome)}\n")
        sys.stdout.flush()


def _end_after(seconds: float) -> None:
    """Have this process ended by the system then, whatever it does; 0: not any more."""
    import signal

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    _serve()
