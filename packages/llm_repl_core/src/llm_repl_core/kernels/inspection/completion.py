"""What may be typed next, and what a function takes: answered from the state, for an editor.

IPython's completer does the most of it, without jedi: that would read the sources of libraries for
seconds, and the state knows more. IPython is imported when it is first asked for.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import keyword
import re
import sys
import types
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any

from llm_repl_core.kernels.inspection.summaries import summary_of
from llm_repl_core.kernels.inspection.typed import typed_names, word_start
from llm_repl_core.kernels.values import TimeUp, cut_text, within_time

__all__ = ["complete_code", "inspect_code"]

_MAX_COMPLETIONS = 200
_NO_SHELL = types.SimpleNamespace(
    magics_manager=types.SimpleNamespace(lsmagic=lambda: {"line": {}, "cell": {}})
)
"""What IPython's completer asks where there is no shell: which magics there are."""
_COMPLETION_LIMIT_BYTES = 500
_CODE_TIMEOUT_S = 0.6
_DOCUMENTATION_LIMIT_BYTES = 4000
_SIGNATURE_LIMIT_BYTES = 1000
_DOTTED = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
_TEXT_OR_NOTE = re.compile(
    r"""(?P<triple>'{3}|"{3})(?:\\.|(?!(?P=triple)).)*(?:(?P=triple)|\Z)"""
    r"""|(?P<quote>['"])(?:\\.|(?!(?P=quote))[^\\\n])*(?:(?P=quote)|(?=\n)|\Z)|\#[^\n]*""",
    re.DOTALL,
)


def complete_code(namespace: dict[str, Any], code: str, cursor: int) -> dict[str, Any]:
    """What may stand at a place of a cell's code.

    Args:
        namespace: The state.
        code: The cell's text, as it stands in the editor.
        cursor: The place, in characters; one outside of the text is at its nearer end.

    Returns:
        ``start`` and ``end`` of what is replaced, and ``matches``: ``{text, type}``.
    """
    cursor = min(max(cursor, 0), len(code))
    scope = _with_imports(namespace, code)
    importlib.import_module("IPython.core.completer")  # which may take longer than what follows
    try:
        found = within_time(lambda: _by_ipython(scope, code, cursor), _CODE_TIMEOUT_S)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  user code, anything may come out of it
        found = []
    start, is_name = word_start(code, cursor)
    by_start: dict[int, dict[str, str]] = {start: {}}
    for begin, end, text, kind in found:
        if end != cursor or (kind == "magic" and "%" not in code[begin:cursor]):
            continue
        if code[begin - 1 : begin] in ('"', "'") and kind not in ("key", "path"):
            continue  # what IPython falls back to where it has no time for the keys
        # They begin at several places; an editor that narrows them down needs one.
        given = code[begin:start]
        if given and text.startswith(given):
            begin, text = start, text[len(given) :]
        by_start.setdefault(begin, {}).setdefault(text, kind)
    if is_name:
        for text, kind in typed_names(code, code[start:cursor]):
            by_start[start].setdefault(text, kind)
    begin = start if by_start[start] else max(by_start, key=lambda at: len(by_start[at]))
    matches = [
        {"text": text, "type": kind}
        for text, kind in by_start[begin].items()
        if _can_be_typed(text)
    ]
    return {"start": begin, "end": cursor, "matches": matches[:_MAX_COMPLETIONS]}


def _can_be_typed(text: str) -> bool:
    try:
        return len(text.encode()) <= _COMPLETION_LIMIT_BYTES
    except UnicodeEncodeError:
        return False  # an attribute's name may be any text, and JSON can't hold half a character


def _by_ipython(scope: dict[str, Any], code: str, cursor: int) -> list[tuple[int, int, str, str]]:
    from IPython.core import completer as ipython

    # Where the state is not a shell's, one that this process has is somebody else's.
    shell: Any = sys.modules["IPython"].get_ipython() if "get_ipython" in scope else None
    completer = _completer_class()(shell=shell, namespace=scope, use_jedi=False)
    if shell is None:
        completer.shell = _NO_SHELL
    with ipython.provisionalcompleter():
        return [
            (match.start, match.end, match.text, _kind_of(match.text, match.type, scope))
            for match in completer.completions(code, cursor)
        ][: 5 * _MAX_COMPLETIONS]


@cache
def _completer_class() -> Any:
    from IPython.core.completer import IPCompleter

    class QuietCompleter(IPCompleter):
        """IPython's, without the traceback that it prints where one of its matchers raises."""

        @property
        def matchers(self) -> list[Any]:
            return [_quiet(matcher) for matcher in super().matchers]

    return QuietCompleter


def _quiet(matcher: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(matcher)
    def find(context: Any) -> Any:
        try:
            return matcher(context)
        except BaseException:  # noqa: BLE001  user code, anything may come out of it
            return {"completions": []}

    return find


def _kind_of(text: str, kind: str, scope: dict[str, Any]) -> str:
    if kind in ("attribute", "magic", "path") or "key" in kind:
        return "key" if "key" in kind else kind
    if "param" in kind or text.endswith("="):
        return "parameter"
    if keyword.iskeyword(text):
        return "keyword"
    value = scope.get(text, vars(builtins).get(text))
    # By its type, as an object may answer anything, or raise, where it is asked for its class.
    if issubclass(type(value), type):
        return "class"
    if issubclass(type(value), types.ModuleType):
        return "module"
    return "function" if callable(value) and type(value).__module__ == "builtins" else "variable"


def _with_imports(namespace: dict[str, Any], code: str) -> dict[str, Any]:
    """The state, with what the cell imports above and some cell has imported already."""
    scope = dict(namespace)
    for line in code.split("\n")[:500]:
        if not line.startswith(("import ", "from ")):
            continue
        try:
            [statement] = ast.parse(line).body
        except (SyntaxError, ValueError):
            continue
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                if _imported(name) and _imported(alias.name):
                    scope.setdefault(alias.asname or name, sys.modules[name])
        elif isinstance(statement, ast.ImportFrom):
            held = _imported(statement.module)
            for alias in statement.names:
                if alias.name in held:
                    scope.setdefault(alias.asname or alias.name, held[alias.name])
    return scope


def _imported(name: str | None) -> dict[str, Any]:
    """What a module holds; empty: it is not imported, or something else stands for it."""
    module = sys.modules.get(name or "")
    if not issubclass(type(module), types.ModuleType):
        return {}
    # As it stands there: one that is loaded when it is first used is not.
    held: dict[str, Any] = vars(types.ModuleType)["__dict__"].__get__(module)
    return held


def inspect_code(namespace: dict[str, Any], code: str, cursor: int) -> dict[str, Any]:
    """What is told of the function that is being called at a place, or of the name there.

    Returns:
        ``name``, ``signature``, ``documentation``, ``type_name``, ``text`` and, of the parameter
        that is being typed, the number ``parameter``; ``{}``: there is nothing to tell.
    """
    cursor = min(max(cursor, 0), len(code))
    scope = _with_imports(namespace, code)
    for name, parameter in _candidates(code, cursor):
        try:
            told = within_time(partial(_describe_name, scope, name), _CODE_TIMEOUT_S)
        except TimeUp:
            return {}
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S112  user code, anything may come out of it
            continue
        return {"name": name, "parameter": parameter, **told}
    return {}


def _candidates(code: str, cursor: int) -> list[tuple[str, int | None]]:
    """The names that may be meant, the nearest first: the function whose call is open, the word."""
    start = max(cursor - 5000, 0)
    after = re.match(r"\w*", code[cursor:])
    word = _DOTTED.search(code[start:cursor] + (after[0] if after else ""))
    # Commas and brackets within texts and notes are none of the call's.
    before = _TEXT_OR_NOTE.sub(lambda found: " " * len(found[0]), code[:cursor])[start:]
    found: list[tuple[str, int | None]] = []
    depth = commas = 0
    for at in range(len(before) - 1, -1, -1):
        sign = before[at]
        if sign in ")]}":
            depth += 1
        elif sign in "([{":
            if depth:
                depth -= 1
                continue
            called = _DOTTED.search(before[:at]) if sign == "(" else None
            if called and not keyword.iskeyword(called[0]):
                found.append((called[0], commas))
            commas = 0
        elif sign == "," and not depth:
            commas += 1
    if word and not keyword.iskeyword(word[0]):
        # On a name that is no argument yet, its own; within a call, first what it takes.
        found.insert(0 if after and after[0] else len(found), (word[0], None))
    return found[:10]


def _describe_name(scope: dict[str, Any], name: str) -> dict[str, Any]:
    first, *rest = name.split(".")
    value = scope[first] if first in scope else vars(builtins)[first]
    for attribute in rest:
        value = getattr(value, attribute)
    told = summary_of(value)
    try:
        signature = str(inspect.signature(value)) if callable(value) else ""
    except (ValueError, TypeError):
        signature = "(…)"
    documentation = (inspect.getdoc(value) or "") if callable(value) or rest == [] else ""
    if not callable(value) and not isinstance(value, types.ModuleType):
        documentation = ""  # that of its class says nothing about the value
    return {
        "signature": cut_text(signature, _SIGNATURE_LIMIT_BYTES)[0],
        "documentation": cut_text(documentation, _DOCUMENTATION_LIMIT_BYTES)[0],
        "type_name": told["type_name"],
        "text": told["text"],
    }
