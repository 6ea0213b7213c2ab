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

_JUNIT = ".xml"
_PAGE = ".html"


def check_report(path: Path, *, notebooks: int) -> None:
    """Refuse a report that could not be written, before there is anything to report.

    Args:
        path: Where it is to be.
        notebooks: How many are run.

    Raises:
        InvalidInput: Its ending names no form, or it cannot be written.
    """
    form = path.suffix.lower()
    if form not in (_JUNIT, _PAGE):
        raise InvalidInput(
            f"The report {path} must end in .xml, for JUnit's form, or in .html, for a page."
        )
    if form == _PAGE and notebooks > 1:
        raise InvalidInput(
            "A page is of one notebook: of several, a report is in JUnit's form, as in "
            f"--report {path.with_suffix(_JUNIT)}."
        )
    with as_invalid_input():
        refuse_unwritable(path)


def write_report(path: Path, reports: Sequence[NotebookReport]) -> None:
    """Write a report; no provider's key is in it.

    Args:
        path: Where.
        reports: The notebooks, in order.

    Raises:
        StorageError: It cannot be written.
    """
    if path.suffix.lower() == _PAGE:
        for report in reports:
            if report.application is not None and report.notebook is not None:
                report.application.save(report.notebook, path)
        return
    data = junit_report(reports)
    for report in reports:
        if report.application is not None:
            data = report.application.providers.redactor.data(data)
    write_atomically(path, data)
