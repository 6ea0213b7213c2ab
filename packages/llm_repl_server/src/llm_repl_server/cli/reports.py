"""Reports of runs, in the form that a file's ending names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llm_repl_core import InvalidInput
from llm_repl_core.files import refuse_unwritable, write_atomically
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.junit_report import junit_report
from llm_repl_server.cli.run_results import NotebookReport

__all__ = ["check_report", "write_report"]


def check_report(path: Path) -> None:
    """Refuse a report that could not be written, before there is anything to report.

    Args:
        path: Where it is to be.

    Raises:
        InvalidInput: Its ending names no form, or it cannot be written.
    """
    if path.suffix.lower() != ".xml":
        raise InvalidInput(f"The report {path} must end in .xml, for JUnit's form.")
    with as_invalid_input():
        refuse_unwritable(path)


def write_report(path: Path, reports: Sequence[NotebookReport]) -> None:
    """Write a report.

    Args:
        path: Where.
        reports: The notebooks, in order.

    Raises:
        StorageError: It cannot be written.
    """
    write_atomically(path, junit_report(reports))
