"""JupyterLab and marimo with a notebook in their pages.

They bring some hundred packages along, so that they are in an environment of their own, whose folder
of commands `LLM_REPL_BENCH_PEERS` names: `nox -s bench` makes it of ``bench/peers/requirements.txt``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.programs import free_port, running

__all__ = ["jupyterlab", "marimo", "notebook_sources"]

VARIABLE = "LLM_REPL_BENCH_PEERS"


def notebook_sources(count: int) -> list[str]:
    """The code of a notebook's cells: ten lines each, no two alike."""
    return [
        f"# marker {number}\n"
        + "\n".join(f"value_{number}_{line} = {line} * {number}  # a line" for line in range(9))
        for number in range(count)
    ]


@contextmanager
def jupyterlab(sources: Sequence[str]) -> Iterator[str]:
    """A server of JupyterLab; gives the address of a notebook."""
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source}
        | {"execution_count": None, "outputs": []}
        for number, source in enumerate(sources)
    ]
    # Without a kernel's name a dialog asks for one, and nothing below it can be clicked.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    with tempfile.TemporaryDirectory(prefix="bench-lab-", ignore_cleanup_errors=True) as folder:
        Path(folder, "notebook.ipynb").write_text(json.dumps(document), encoding="utf-8")
        port = free_port()
        arguments = [_command("jupyter-lab"), "--no-browser", "--allow-root", f"--port={port}"]
        arguments += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
        arguments += ["--ServerApp.open_browser=False", "--LabApp.news_url=None"]
        with running(arguments, port=port):
            yield f"http://127.0.0.1:{port}/lab/tree/notebook.ipynb"


@contextmanager
def marimo(sources: Sequence[str]) -> Iterator[str]:
    """A server of marimo; gives the address of a notebook."""
    cells = "\n\n".join(
        "@app.cell\ndef _():\n"
        + "\n".join(f"    {line}" for line in source.split("\n"))
        + "\n    return"
        for source in sources
    )
    text = f"import marimo\n\napp = marimo.App()\n\n\n{cells}\n\n\nif __name__ == '__main__':\n    app.run()\n"
    with tempfile.TemporaryDirectory(prefix="bench-marimo-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "notebook.py")
        path.write_text(text, encoding="utf-8")
        # Opening it is to run nothing: that is so in the other two.
        Path(folder, ".marimo.toml").write_text("[runtime]\nauto_instantiate = false\n")
        port = free_port()
        arguments = [_command("marimo"), "edit", str(path), "--headless", "--no-token"]
        arguments += ["--skip-update-check", f"--port={port}"]
        with running(arguments, port=port):
            yield f"http://127.0.0.1:{port}/"


def _command(name: str) -> str:
    folder = os.environ.get(VARIABLE)
    if folder is None:
        raise RuntimeError(f"{VARIABLE} does not say where the peers are; see `nox -s bench`")
    return str(Path(folder, name))
