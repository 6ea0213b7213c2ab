"""What the catalogue holds: constructs of Python and its libraries that have an effect."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = [
    "ANSWER",
    "SLOW",
    "Construct",
    "Part",
    "code",
    "markdown",
    "memory",
    "prompt",
    "renamed",
    "tree_of",
]

ANSWER = "ans"
"""The variable of the slow prompt that a construct's cells stand around."""

_HEAVY = {"matplotlib", "polars"}


@dataclass(frozen=True)
class Part:
    """A cell of a construct, or a change of one.

    Attributes:
        kind: ``code``, ``prompt``, ``memory``, ``markdown``; or ``edit``: the content of the
            code cell before this one, from when the cells above have run.
        text: The cell's source.
        fields: A prompt's.
    """

    kind: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def code(text: str) -> Part:
    """A code cell."""
    return Part("code", text)


def prompt(text: str, variable: str | None = None, **fields: Any) -> Part:
    """A prompt cell."""
    return Part(
        "prompt", text, fields if variable is None else {"response_var": variable, **fields}
    )


def memory(text: str) -> Part:
    """A memory cell."""
    return Part("memory", text)


def markdown(text: str) -> Part:
    """A markdown cell."""
    return Part("markdown", text)


SLOW = prompt("Name one.", ANSWER)
"""The prompt whose answer comes late."""


@dataclass(frozen=True)
class Construct:
    """Cells with an effect that an analysis of names may get wrong.

    Attributes:
        name: In words.
        module: The file of the catalogue.
        setup: A code cell.
        effect: A code cell that has the effect. It may use the answer, `ANSWER`.
        read: A prompt that shows what the effect leaves.
        cells: All cells, where they stand in another order than one of `shapes`.
        fails: Whether cells of it are to fail.
    """

    name: str
    module: str
    setup: str = ""
    effect: str = ""
    read: Part = Part("prompt", "")
    cells: tuple[Part, ...] = ()
    fails: bool = False

    def shapes(self) -> dict[str, tuple[Part, ...]]:
        """Orders of its cells around a slow prompt, by a word."""
        if self.cells:
            return {"as written": self.cells}
        setup, effect = code(self.setup), code(self.effect)
        return {
            # What the effect leaves is not sent before it is there.
            "effect, then prompt": (setup, SLOW, effect, self.read),
            # What the effect leaves is not sent by what stands above it and waits.
            "prompt, then effect": (setup, SLOW, self._late(), effect),
        }

    def long_shapes(self) -> dict[str, tuple[Part, ...]]:
        """Longer orders, for notebooks that are drawn."""
        if self.cells:
            return self.shapes()
        slow, again = SLOW, prompt("Name another.", ANSWER)
        setup, effect = code(self.setup), code(self.effect)
        busy = code(f"import time\ntime.sleep(0.004)\n{self.effect}")
        read, late = self.read, self._late()
        return {
            **self.shapes(),
            "around": (setup, slow, read, effect, late),
            "twice": (setup, slow, effect, late, again, effect, read),
            "chained": (setup, slow, late, again, busy, read),
            "slow code": (setup, slow, read, busy, read),
        }

    def _late(self) -> Part:
        """The prompt, where it waits for the answer."""
        return Part("prompt", f"{{{ANSWER}}} {self.read.text}", self.read.fields)

    @property
    def weight(self) -> float:
        """How often it is drawn: what takes more time is drawn less often."""
        if self.libraries.isdisjoint(_HEAVY):
            return 0.4 if self.libraries else 1.0
        return 0.1

    @cached_property
    def libraries(self) -> frozenset[str]:
        """The modules that it imports and that Python does not bring."""
        found: set[str] = set()
        for part in (code(self.setup), code(self.effect), *self.cells):
            if part.kind in ("code", "edit"):
                for node in ast.walk(tree_of(part.text)):
                    if isinstance(node, ast.Import):
                        found |= {one.name.partition(".")[0] for one in node.names}
                    elif isinstance(node, ast.ImportFrom) and node.module:
                        found.add(node.module.partition(".")[0])
        # What begins with `law_` is a module that the construct makes itself.
        own = {one for one in found if one.startswith("law_")} | {"__main__", "IPython"}
        return frozenset(found - sys.stdlib_module_names - own)

    def missing(self) -> list[str]:
        """The libraries that are not installed."""
        return [one for one in sorted(self.libraries) if importlib.util.find_spec(one) is None]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that its cells set."""
        found = {ANSWER}
        for part in (code(self.setup), code(self.effect), *self.cells):
            if part.kind in ("code", "edit", "memory"):
                found |= _set_names(tree_of(part.text))
            elif "response_var" in part.fields:
                found.add(part.fields["response_var"])
        return frozenset(found)


def renamed(parts: Iterable[Part], names: Iterable[str], ending: str) -> list[Part]:
    """The same cells with other names, in texts as well.

    Args:
        parts: The cells.
        names: What is renamed.
        ending: What each name gets.
    """
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    pattern = re.compile(rf"(?:(?<=__main__\.)|(?<![\w.]))(?:{words})\b")

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: found[0] + ending, value)
        if isinstance(value, list):
            return [put(one) for one in value]
        if isinstance(value, dict):
            return {key: put(one) for key, one in value.items()}
        return value

    return [Part(part.kind, put(part.text), put(dict(part.fields))) for part in parts]


def tree_of(text: str) -> ast.Module:
    """The statements of a cell, without IPython's own lines."""
    lines = ["pass" if line.startswith(("%", "!")) else line for line in text.split("\n")]
    return ast.parse("\n".join(lines))


def _set_names(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
            for inner in ast.walk(node):
                if isinstance(inner, ast.Global):
                    found.update(inner.names)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, (ast.Lambda, ast.comprehension)):
            continue
        waiting.extend(ast.iter_child_nodes(node))
    return {one for one in found if not (one.startswith("__") and one.endswith("__"))}
