"""Takes out of a traceback what is not the user's: the frames of LLM-REPL and of IPython's own loop.

Stands alone, as its text is also sent into kernels whose environment does not have this package
(see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import os
import re
import sys
from types import CodeType, TracebackType
from typing import Any

__all__ = ["keep_user_frames", "with_cell_names"]

_OURS = os.path.dirname(globals().get("__file__") or "") or "<llm-repl>"  # noqa: PTH120  stands alone
_KERNEL = f"{os.sep}ipykernel{os.sep}"
_FILE = re.compile(r'File "([^"\n]+)", ')


def keep_user_frames(error: BaseException | None) -> None:
    """Take the others out of an exception's traceback, and of those of its causes and parts."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        inner = waiting.pop()
        if inner is None or id(inner) in seen:
            continue
        seen.add(id(inner))
        inner.__traceback__ = _kept(inner.__traceback__)
        waiting += [inner.__cause__, inner.__context__, *getattr(inner, "exceptions", ())]


def _kept(trace: TracebackType | None) -> TracebackType | None:
    steps: list[TracebackType] = []
    while trace is not None:
        steps.append(trace)
        trace = trace.tb_next
    # Above the cell there is only what runs it: IPython, a loop of asyncio, we.
    first = max(
        (i + 1 for i, step in enumerate(steps) if _runs_cell(step.tb_frame.f_code)), default=0
    )
    rest: TracebackType | None = None
    for step in reversed(steps[first:]):
        filename = step.tb_frame.f_code.co_filename
        if not filename.startswith(_OURS) and _KERNEL not in filename:
            rest = TracebackType(rest, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return rest


def _runs_cell(code: CodeType) -> bool:
    return code.co_name == "run_code" and code.co_filename.endswith("interactiveshell.py")


def with_cell_names(text: str) -> str:
    """A traceback's text with cells called as in the notebook: ``Cell In[3]``."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return text

    def named(match: re.Match[str]) -> str:
        found = shell.compile.format_code_name(match[1])
        return f"{found[0]} {found[1]}, " if found else match[0]

    return _FILE.sub(named, text)
