"""A run as JUnit's XML, which CI services read: a suite a notebook, a case a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from llm_repl_core import Output
from llm_repl_server.cli.cell_titles import cell_title
from llm_repl_server.cli.run_results import EndedCell, NotebookReport

__all__ = ["junit_report"]

# What XML 1.0 has no place for, even as an escape.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OUTPUT_CHARACTERS = 100_000
"""Of the outputs of one cell; a service shows no more."""


def junit_report(reports: Sequence[NotebookReport]) -> bytes:
    """The file's content, in UTF-8.

    Args:
        reports: The notebooks, in order.
    """
    root = ElementTree.Element("testsuites", name="llm-repl run")
    for report in reports:
        root.append(_suite(report))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(report.results.duration_s for report in reports):.3f}")
    ElementTree.indent(root)
    return b"".join(
        (
            b'<?xml version="1.0" encoding="utf-8"?>\n',
            ElementTree.tostring(root, encoding="utf-8"),
            b"\n",
        )
    )


def _suite(report: NotebookReport) -> ElementTree.Element:
    name, notebook, _, results, error = report
    suite = ElementTree.Element("testsuite", name=_text(name))
    cells = results.cells if notebook is not None else {}
    for cell_id, result in cells.items():
        if notebook is not None and cell_id in notebook:
            suite.append(_case(name, cell_title(notebook, cell_id), result))
    whole = error or results.error
    if whole:
        case = ElementTree.SubElement(suite, "testcase", classname=_text(name), name="run")
        ElementTree.SubElement(case, "error", message=_text(whole))
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{results.duration_s:.3f}")
    return suite


def _case(file_name: str, title: str, result: EndedCell) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=_text(file_name), name=_text(title), time=f"{result.duration_s:.3f}"
    )
    if result.state == "not_run":
        ElementTree.SubElement(case, "skipped", message="The run ended before.")
    elif result.state == "stopped":
        ElementTree.SubElement(case, "error", message=_text(result.error), type="Interrupted")
    elif result.state == "failed":
        kind = result.error.partition(":")[0]
        failure = ElementTree.SubElement(
            case, "failure", message=_text(result.error), type=_text(kind)
        )
        failure.text = _text("\n".join(_error_text(output) for output in _errors(result)))
    for tag, streams in (("system-out", False), ("system-err", True)):
        text = "".join(_printed(result.outputs, errors=streams))
        if text:
            ElementTree.SubElement(case, tag).text = _text(text[:_OUTPUT_CHARACTERS])
    return case


def _errors(result: EndedCell) -> list[Output]:
    return [output for output in result.outputs if output.type == "error"]


def _error_text(output: Output) -> str:
    lines = output.fields.get("traceback")
    return "\n".join(map(str, lines)) if isinstance(lines, list) and lines else output.content


def _printed(outputs: Sequence[Output], *, errors: bool) -> list[str]:
    """What a terminal would have shown: text that ends its lines."""
    texts = []
    for output in outputs:
        is_err = output.type in ("stderr", "warning")
        if output.type == "error" or is_err is not errors:
            continue
        text = output.content
        texts.append(text if output.type in ("stdout", "stderr") else f"{text}\n")
    return texts


def _text(text: str) -> str:
    return _NOT_XML.sub("�", _COLOURS.sub("", text))
