"""Whole notebooks from the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Sample, at_most, row, time_of
from bench.programs import command, run_to_end
from llm_repl_core import Notebook, save_notebook

_CELLS = 1000


@row(
    what="`llm-repl run`: 1,000 cells of `x = 1`, start to end",
    against="nbclient: `jupyter execute`",
    goal=at_most("1/15"),
    rounds=5,
    limit_s=90,
)
def run_notebook() -> Iterator[tuple[Sample, Sample]]:
    with tempfile.TemporaryDirectory(prefix="bench-run-") as folder:
        path = Path(folder, "trivial.ipynb")
        document = Notebook()
        for _ in range(_CELLS):
            document.add_code("x = 1")
        save_notebook(document, path)
        yield (
            lambda: time_of(lambda: run_to_end([command("llm-repl"), "run", str(path)])),
            lambda: time_of(lambda: run_to_end([command("jupyter-execute"), str(path)])),
        )
