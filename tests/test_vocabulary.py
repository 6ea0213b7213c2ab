"""The words of the code and the docs: one class a name, and none of the words that were given up.

A reader finds a class by its name, and `docs/reference/glossary.md` says which words there are.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))

# An event of the engine has a form on the wire, which has its name.
EVENTS = "llm_repl_core/src/llm_repl_core/execution/events.py"
WIRE_EVENTS = "llm_repl_server/src/llm_repl_server/services/wire_events/"

RETIRED_NAMES = {
    "House": "Services",
    "Door": "AccessMiddleware",
    "Terms": "CallPolicies",
    "CallTerms": "CallPolicy",
    "Caller": "ModelCaller",
    "Question": "ModelCall",
    "Recall": "Replay",
    "Closed": "TransitiveEffects",
    "CellEndedBadly": "CellFailed",
    "RunEndedBadly": "RunFailed",
    "KeptKernel": "KernelManager",
    "HeldBack": "BufferedListener",
    "AheadCall": "SpeculativeCall",
    "Distrust": "Mispredictions",
    "Outlook": "CostBound",
    "Outlooks": "CostBounds",
    "Pace": "Throttle",
    "Prospect": "Candidate",
    "StandIns": "FallbackIds",
    "Announcement": "an event's own class",
    "EVERYTHING": "a set of all listeners",
    "condemn": "what is done to it",
    "become": "replace_contents",
    "tell": "emit, notify, or what is done",
    "With": "Include",
    "along": "include",
    "but": "except_ids",
}
"""What is not to be the name of a class, a function, a parameter or a variable, and what is."""

LOOP_VARIABLES = {"one", "thing", "what"}
"""What does not say what a loop goes over."""

RETIRED_MODULES = {
    "words",
    "house",
    "door",
    "terms",
    "questions",
    "kept_kernel",
    "distrust",
    "pace",
}

RETIRED_WORDS = re.compile(
    r"\b(CallTerms|CellEndedBadly|RunEndedBadly|KeptKernel|Announcement|EVERYTHING|AheadCall"
    r"|HeldBack|Notebook\.open\(|notebook\.open\()"
)

ALLOWED: dict[str, str] = {}
"""Files that may still have a retired name, with why. To be empty."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT / "packages").as_posix()


def classes() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(relative(path))
    return found


def names(tree: ast.AST) -> set[tuple[str, int]]:
    """What a module itself names: attributes of other libraries' objects are theirs."""
    found: set[tuple[str, int]] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add((node.name, node.lineno))
            case ast.arg():
                found.add((node.arg, node.lineno))
            case ast.Name(ctx=ast.Store()):
                found.add((node.id, node.lineno))
    return found


def loop_variables(tree: ast.AST) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            found |= names(node.target)
        elif isinstance(node, ast.Lambda):
            found |= names(node.args)
    return found


def _is_event_and_its_form(paths: list[str]) -> bool:
    first, second, *others = paths
    return first == EVENTS and second.startswith(WIRE_EVENTS) and not others


def test_no_two_classes_have_one_name() -> None:
    found = classes()
    assert len(found) > 300
    twice = {
        name: sorted(paths)
        for name, paths in found.items()
        if len(paths) > 1 and not _is_event_and_its_form(sorted(paths))
    }
    assert twice == {}


@pytest.mark.parametrize("package", ["llm_repl_core", "llm_repl_providers", "llm_repl_server"])
def test_no_code_is_named_by_a_retired_word(package: str) -> None:
    found = []
    for path in SOURCES:
        if not relative(path).startswith(package) or relative(path) in ALLOWED:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, line in sorted(names(tree)):
            if (word := RETIRED_NAMES.get(name.lstrip("_"))) is not None:
                found.append(f"{relative(path)}:{line}: not `{name}`, but {word}")
        for name, line in sorted(loop_variables(tree)):
            if name in LOOP_VARIABLES:
                found.append(f"{relative(path)}:{line}: `{name}` does not say what it holds")
    assert found == []


def test_no_module_is_named_by_a_retired_word() -> None:
    assert [relative(path) for path in SOURCES if path.stem.strip("_") in RETIRED_MODULES] == []


def test_no_page_or_docstring_has_a_retired_name() -> None:
    pages = [page for page in ROOT.glob("docs/**/*.md") if "adr" not in page.parts]
    assert len(pages) > 30
    readmes = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("packages/*/README.md")]
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in [*pages, *readmes, *SOURCES]
        for match in RETIRED_WORDS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_file_that_is_allowed_still_needs_it() -> None:
    for path in ALLOWED:
        tree = ast.parse((ROOT / "packages" / path).read_text(encoding="utf-8"))
        assert any(name.lstrip("_") in RETIRED_NAMES for name, _ in names(tree)), path
