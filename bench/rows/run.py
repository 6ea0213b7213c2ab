"""Whole notebooks from the command line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat

from bench.harness import Sample, at_most, row, time_of
from bench.programs import command, run_to_end

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
        cells = [nbformat.v4.new_code_cell("x = 1") for _ in range(_CELLS)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        yield (
            lambda: time_of(lambda: run_to_end([command("llm-repl"), "run", str(path)])),
            lambda: time_of(lambda: run_to_end([command("jupyter-execute"), str(path)])),
        )
