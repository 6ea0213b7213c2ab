"""Reports of runs, in the form that a file's ending names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llm_repl_core import InvalidInput, Output
from llm_repl_core.files import refuse_unwritable, write_atomically
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.junit_report import junit_report
from llm_repl_server.cli.run_results import NotebookReport, counted

__all__ = ["check_report", "write_report"]

_JUNIT = ".xml"
_PAGE = ".html"


def check_report(path: Path) -> None:
    """Refuse a report that could not be written, before there is anything to report.

    Args:
        path: Where it is to be.

    Raises:
        InvalidInput: Its ending names no form, or it cannot be written.
    """
    form = path.suffix.lower()
    if form not in (_JUNIT, _PAGE):
        raise InvalidInput(
            f"The report {path} must end in .xml, for JUnit's form, or in .html, for a page."
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
    is_page = path.suffix.lower() == _PAGE
    if is_page and len(reports) == 1:
        [report] = reports
        if report.application is not None and report.notebook is not None:
            report.application.save(report.notebook, path)
        return
    data = _page(reports) if is_page else junit_report(reports)
    for report in reports:
        if report.application is not None:
            data = report.application.providers.redactor.data(data)
    write_atomically(path, data)


def _page(reports: Sequence[NotebookReport]) -> bytes:
    from llm_repl_core.formats.html.report import ReportedNotebook, draw_report

    parts = [
        ReportedNotebook(
            name=report.name,
            outcome=_outcome(report),
            answer_price_usd=_no_price
            if report.application is None
            else report.application.prices.answer_price_usd,
            notebook=report.notebook,
        )
        for report in reports
    ]
    failed = sum(bool(report.error) or report.results.failed for report in reports)
    title = counted(len(reports), "notebook") + (f", {failed} failed" if failed else "")
    return draw_report(title, parts).encode()


def _outcome(report: NotebookReport) -> str:
    if report.error:
        return f"Failed: {report.error}"
    results = report.results
    state = "Failed" if results.failed else "Not run" if not results.ended else "Ok"
    return f"{state}: {results.summary()}"


def _no_price(_answer: Output) -> None:
    """The price of what nobody has asked."""
