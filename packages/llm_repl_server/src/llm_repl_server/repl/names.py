"""The variables as they were last looked at, for what is said while somebody types."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping

from llm_repl_core import LLMReplError
from llm_repl_core.kernels.views import Variable
from llm_repl_core.templates import parse
from llm_repl_server.repl.target import ReplTarget

__all__ = ["KnownNames", "unknown_fields"]


class KnownNames:
    """Names with their types and values. Read by any thread."""

    def __init__(self) -> None:
        self.variables: Mapping[str, Variable] = {}
        self.are_known = False
        """Whether the kernel has been looked at."""

    def refresh(self, target: ReplTarget) -> bool:
        """Look at the kernel, where that can be; whether there is something new."""
        try:
            found = target.variables()
        except LLMReplError:
            return False
        before, was_known = self.variables, self.are_known
        self.variables = {variable.name: variable for variable in found.variables}
        self.are_known = True
        return not was_known or before != self.variables


def unknown_fields(text: str, names: KnownNames) -> Iterator[tuple[int, int]]:
    """Where a prompt has fields with names that there are none of: from, to.

    Args:
        text: The template.
        names: The variables.
    """
    if not names.are_known:
        return
    at = 0
    for part in parse(text).parts:
        if isinstance(part, str):
            continue
        at = text.find(part.text, at)
        if at < 0:
            return
        if not _is_known(part.expression.source, names.variables):
            yield at, at + len(part.text)
        at += len(part.text)


def _is_known(source: str, names: Mapping[str, Variable]) -> bool:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return True
    nodes = list(ast.walk(tree))
    own = {
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return all(
        node.id in names or node.id in own or node.id == "_" or hasattr(builtins, node.id)
        for node in nodes
        if isinstance(node, ast.Name)
    )
