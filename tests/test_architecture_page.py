"""The walk of one request in `docs/explanation/architecture.md` leads through code that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
ROW = re.compile(r"^\| [^|]+ \| `(llm_repl_\w+)/([\w/]+\.py)` \| `([\w.]+)` \|$", re.MULTILINE)


def functions(path: Path) -> set[str]:
    """What a module defines: functions, and methods behind their class."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


def test_every_step_of_the_walk_is_there() -> None:
    steps = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(steps) > 15
    missing = []
    for package, module, function in steps:
        path = ROOT / "packages" / package / "src" / package / module
        if not path.is_file() or function not in functions(path):
            missing.append(f"{package}/{module}: {function}")
    assert missing == []
