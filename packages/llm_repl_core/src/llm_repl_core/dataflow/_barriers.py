"""What cannot be followed: code that sees or runs whatever there is."""

from __future__ import annotations

import ast

from llm_repl_core.dataflow._known import (
    BARRIER_ATTRIBUTES,
    BARRIER_NAMES,
    LATE_LOOKUPS,
    OPEN_MODULES,
)

__all__ = [
    "EVERYTHING",
    "barrier_of_attribute",
    "barrier_of_call",
    "barrier_of_import",
    "barrier_of_name",
]

EVERYTHING = "everything:"
"""What stands for the object that leads to every variable. What may hold it is a barrier, too."""

_SEES_ALL = "`{}` sees every variable"


def barrier_of_name(name: str) -> str | None:
    """Why the use of a name cannot be followed."""
    if name in BARRIER_NAMES:
        return _SEES_ALL.format(f"{name}()")
    return _SEES_ALL.format(name) if name in OPEN_MODULES else None


def barrier_of_attribute(base: str, attribute: str) -> str | None:
    """Why the use of ``base.attribute`` cannot be followed; ``base`` may be empty."""
    if attribute in BARRIER_ATTRIBUTES:
        return _SEES_ALL.format(attribute)
    if base in OPEN_MODULES:
        seen = OPEN_MODULES[base]
        if seen is None or attribute in seen:
            return _SEES_ALL.format(f"{base}.{attribute}")
    return None


def barrier_of_call(node: ast.Call) -> str | None:
    """Why a call cannot be followed that reads names out of a text."""
    match node:
        case ast.Call(
            func=ast.Name(id="getattr" | "attrgetter") | ast.Attribute(attr="attrgetter")
        ):
            for one in node.args:
                if isinstance(one, ast.Constant) and one.value in BARRIER_ATTRIBUTES:
                    return _SEES_ALL.format(one.value)
            return None
        case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module")):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and first.value != "__main__":
                return None
            return "an import whose name is computed may be of the notebook itself"
        case ast.Call(func=ast.Attribute(attr=attribute)) if attribute in LATE_LOOKUPS:
            first = node.args[0] if node.args else None
            if (
                attribute != "sql"
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                return None
            return f"`.{attribute}()` may look variables up that its text names"
    return None


def barrier_of_import(module: str, names: list[ast.alias] | None, asname: str | None) -> str | None:
    """Why an import cannot be followed.

    Args:
        module: The dotted module.
        names: What is imported from it; None where it is the module itself.
        asname: Another name that the module is given.
    """
    if module.partition(".")[0] in ("__main__", "__builtins__"):
        return f"`{module}` sees every variable"
    if names is None:
        if module in OPEN_MODULES and asname is not None:
            return f"`{module}` is given another name"
        return None
    for alias in names:
        if alias.name == "*":
            return f"`from {module} import *` binds names that the text does not tell"
        if barrier := barrier_of_attribute(module, alias.name):
            return barrier
    return None
