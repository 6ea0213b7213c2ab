"""Evaluates expressions over a namespace, as the fields of an f-string are.

Runs inside kernels; takes and gives plain dictionaries shaped as the structures of
`llm_repl_core.kernels.base`. Of this package it needs only files that stand alone, as its text
is also sent into kernels whose environment does not have this package
(see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from types import CodeType, ModuleType
from typing import Any

from llm_repl_core.kernels.inserted import insert
from llm_repl_core.kernels.values import (
    TimeUp,
    cut_text,
    describe,
    describe_within,
    exception_text,
)
from llm_repl_core.kernels.whole_display import whole_display
from llm_repl_core.safe_builtins import safe_builtins

__all__ = ["evaluate_all", "interrupted_results", "snapshot_of", "user_names", "wanted_names"]

_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_MAX_NAMES = 1000
_NOTICE_LIMIT_BYTES = 2000


def evaluate_all(
    expressions: Sequence[Mapping[str, Any]],
    namespace: dict[str, Any],
    *,
    restricted: bool,
    extra: Mapping[str, Any],
    limit_bytes: int,
    hidden: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Evaluate expressions in order; one that raises does not stop the rest.

    Args:
        expressions: Each ``{source, conversion, format_spec, insert_limit_chars}``.
        namespace: The state.
        restricted: Whether only the safe builtins are in reach.
        extra: Names that only these expressions see.
        limit_bytes: Of one value's text.
        hidden: Names of the namespace that are not the user's, with their values.

    Returns:
        One ``value`` or ``failed`` an expression. After an interrupt the rest has failed, too.
    """
    hidden = hidden or {}
    scope = namespace
    if restricted or extra:
        # A copy, so that what only these expressions see does not stay.
        scope = {**namespace, **extra}
    if restricted:
        for name in [name for name in hidden if scope.get(name) is hidden[name]]:
            del scope[name]
        scope["__builtins__"] = safe_builtins()
    inserts = any(expression.get("insert_limit_chars") is not None for expression in expressions)
    with whole_display() if inserts else nullcontext():
        return _evaluate_each(expressions, scope, restricted, limit_bytes, hidden)


def interrupted_results(count: int) -> list[dict[str, Any]]:
    """What so many expressions give that an interrupt ended before they were evaluated."""
    return [_failed(KeyboardInterrupt("It was interrupted."), ()) for _ in range(count)]


def _evaluate_each(
    expressions: Sequence[Mapping[str, Any]],
    scope: dict[str, Any],
    restricted: bool,
    limit_bytes: int,
    hidden: Mapping[str, Any],
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for expression in expressions:
        try:
            results.append(_evaluate(expression, scope, restricted, limit_bytes))
        except TimeUp:
            raise
        except KeyboardInterrupt:
            results.extend(interrupted_results(len(expressions) - len(results)))
            break
        except BaseException as error:  # noqa: BLE001  user code, anything may come out of it
            names: Sequence[str] = ()
            if type(error) is NameError:
                names = _existing_names(scope, hidden)
            results.append(_failed(error, names))
    return results


def _evaluate(
    expression: Mapping[str, Any], scope: dict[str, Any], restricted: bool, limit_bytes: int
) -> dict[str, Any]:
    code = _compiled(expression["source"], restricted)
    conversion, format_spec = expression.get("conversion"), expression.get("format_spec")
    limit = expression.get("insert_limit_chars")
    if limit is not None:
        text, notice = insert(
            lambda: eval(code, scope),  # noqa: S307  its purpose
            conversion,
            lambda: _spec_text(format_spec or (), scope, restricted),
            limit,
            expression["source"],
        )
        shown, truncated = cut_text(text, limit_bytes)
        return {
            "type": "value",
            "text": shown,
            "type_name": "str",
            "truncated": truncated,
            "notice": cut_text(notice, _NOTICE_LIMIT_BYTES)[0],
        }
    value = eval(code, scope)  # noqa: S307  its purpose
    if not conversion and not format_spec:
        return describe(value, limit_bytes)
    shown = _CONVERSIONS[conversion](value) if conversion else value
    spec = _spec_text(format_spec or (), scope, restricted)
    return describe(value, limit_bytes, text=format(shown, spec))


def _spec_text(
    parts: Sequence[str | Mapping[str, Any]], scope: dict[str, Any], restricted: bool
) -> str:
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        value = eval(_compiled(part["source"], restricted), scope)  # noqa: S307  its purpose
        if part.get("conversion"):
            value = _CONVERSIONS[part["conversion"]](value)
        texts.append(format(value, _spec_text(part.get("format_spec") or (), scope, restricted)))
    return "".join(texts)


def _compiled(source: str, restricted: bool) -> CodeType:
    # Within parentheses a field may go over several lines; a stray one must not close them.
    text = source.strip()
    if "\n" in text:
        text = f"({text}\n)"
    tree = ast.parse(text, "<expression>", "eval")
    if restricted:
        _refuse_private_attributes(tree)
    return compile(tree, "<expression>", "eval")


def _refuse_private_attributes(tree: ast.Expression) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise AttributeError(
                f"`{node.attr}` is out of reach here: "
                "attributes that start with an underscore can't be used."
            )


def _failed(error: BaseException, names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "failed",
        "ename": cut_text(type(error).__name__, 200)[0],
        "evalue": exception_text(error),
        "names": list(names),
    }


def _existing_names(scope: Mapping[Any, Any], hidden: Mapping[str, Any]) -> list[str]:
    names = [
        name
        for name, value in list(scope.items())
        if isinstance(name, str)
        and not name.startswith("_")
        and not (name in hidden and hidden[name] is value)
    ]
    return sorted(cut_text(name, 200)[0] for name in names)[:_MAX_NAMES]


def user_names(namespace: Mapping[Any, Any], hidden: Mapping[str, Any] | None = None) -> list[str]:
    """The user's variables, sorted: no modules, and nothing that starts with ``_``.

    Args:
        namespace: The state.
        hidden: Names of the namespace that are not the user's, with their values.
    """
    hidden = hidden or {}
    return sorted(
        name
        for name, value in list(namespace.items())
        if isinstance(name, str)
        and not name.startswith("_")
        and not issubclass(type(value), ModuleType)
        and not (name in hidden and hidden[name] is value)
        and name.isidentifier()
    )


def snapshot_of(
    namespace: Mapping[str, Any],
    hidden: Mapping[str, Any] | None,
    *,
    limit_bytes: int,
    timeout_s: float,
    names: Collection[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Variables with their values, each bounded in size and in time.

    Args:
        namespace: The state.
        hidden: Names of the namespace that are not the user's, with their values.
        limit_bytes: Of one value's text.
        timeout_s: Of one value.
        names: Which variables; the user's where None.
    """
    return {
        name: describe_within(namespace[name], limit_bytes, timeout_s)
        for name in wanted_names(names, namespace, hidden)
        if name in namespace
    }


def wanted_names(
    names: Collection[str] | None,
    namespace: Mapping[Any, Any],
    hidden: Mapping[str, Any] | None = None,
) -> list[str]:
    """Those of the names that are there and not the kernel's own; the user's where None."""
    if names is None:
        return user_names(namespace, hidden)
    own = hidden or {}
    return [
        name
        for name in names
        if name in namespace and not (name in own and own[name] is namespace[name])
    ]
