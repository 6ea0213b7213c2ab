"""How soon commands and imports are there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from bench.harness import Sample, at_most, row, time_of
from bench.programs import command, run_to_end


def _duration_of(*arguments: str) -> Sample:
    return lambda: time_of(lambda: run_to_end(arguments))


def _import_of(module: str) -> Sample:
    return _duration_of(sys.executable, "-c", f"import {module}")


_our_version: Callable[[], float] = _duration_of(command("llm-repl"), "--version")


@row(what="`llm-repl --version`", against="`llm --version`", goal=at_most("1/8"), rounds=11)
def version_as_llm() -> Iterator[tuple[Sample, Sample]]:
    yield _our_version, _duration_of(command("llm"), "--version")


@row(what="`llm-repl --version`", against="`flask --version`", goal=at_most("0.4"), rounds=21)
def version_as_flask() -> Iterator[tuple[Sample, Sample]]:
    yield _our_version, _duration_of(command("flask"), "--version")


@row(
    what="a Python that does `import llm_repl_core`",
    against="one that does `import flask`",
    goal=at_most("0.25"),
    rounds=21,
)
def import_of_core() -> Iterator[tuple[Sample, Sample]]:
    yield _import_of("llm_repl_core"), _import_of("flask")
