"""What was measured, as a Markdown table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from importlib.metadata import version
from typing import Any

from bench.harness import Measured, Spread

__all__ = ["HEADER", "footer_line", "header_line", "json_document", "markdown_line"]

HEADER = """\
| what | against | ours | peer's | ratio | goal | met |
| --- | --- | --- | --- | --- | --- | --- |"""

_PEERS = (
    "flask",
    "gunicorn",
    "ipykernel",
    "jupyter-client",
    "jupyter-server",
    "llm",
    "nbclient",
    "orjson",
    "websockets",
)

_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")),
    "1/s": ((1.0, "/s"),),
}


def header_line() -> str:
    """The machine, and the versions of the peers."""
    peers = ", ".join(f"{name} {version(name)}" for name in _PEERS)
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPUs, load {load:.1f} before it began; {peers}. "
        "Medians, with the middle half of the samples in brackets."
    )


def markdown_line(measured: Measured) -> str:
    """A row of the table."""
    row = measured.row
    goal = "—" if row.goal is None else str(row.goal)
    if measured.problem is not None:
        problem = measured.problem.replace("|", "\\|")
        return f"| {row.what} | {row.against} | not measured: {problem} | | | {goal} | |"
    cells = (
        row.what,
        row.against,
        _figures(measured.ours, row.unit),
        _figures(measured.peers, row.unit),
        _ratio(measured),
        goal,
        {True: "yes", False: "**no**", None: ""}[measured.met],
    )
    return f"| {' | '.join(cells)} |"


def footer_line(results: list[Measured]) -> str:
    """How many goals are met."""
    judged = [one.met for one in results if one.met is not None]
    problems = sum(one.problem is not None for one in results)
    failed = f"; {problems} could not be measured" if problems else ""
    return f"{sum(judged)} of {len(judged)} goals met{failed}; load {os.getloadavg()[0]:.1f} now."


def json_document(results: list[Measured]) -> str:
    """Everything, with every sample."""
    document = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load": list(os.getloadavg()),
        "peers": {name: version(name) for name in _PEERS},
        "rows": [_json_row(one) for one in results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_row(measured: Measured) -> dict[str, Any]:
    row = measured.row
    found: dict[str, Any] = {
        "name": row.name,
        "what": row.what,
        "against": row.against,
        "unit": row.unit,
        "goal": None if row.goal is None else str(row.goal),
        "problem": measured.problem,
        "ours": measured.ours,
        "peers": measured.peers,
    }
    if measured.problem is None:
        found |= {
            "our_median": statistics.median(measured.ours),
            "peers_median": statistics.median(measured.peers),
            "ratio": measured.ratio,
            "met": measured.met,
        }
    return found


def _figures(samples: list[float], unit: str) -> str:
    spread = Spread.of(samples)
    scale, word = next(
        (pair for pair in _SCALES[unit] if spread.median >= pair[0]), _SCALES[unit][-1]
    )
    low, median, high = (
        _three_digits(value / scale) for value in (spread.low, spread.median, spread.high)
    )
    return f"{median} {word} ({low}–{high})"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(measured: Measured) -> str:
    """As the goal is written: ``1/35.2`` of a time, ``0.61×`` of a rate."""
    goal, ratio = measured.row.goal, measured.ratio
    if goal is not None and "/" in goal.text:
        return f"1/{1 / ratio:.1f}"
    return f"{ratio:.2f}×"
