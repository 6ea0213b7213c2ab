"""Memory cells: which statements they take, and what is refused on which line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidMemory
from llm_repl_core.memory import Assignment, parse
from llm_repl_core.safe_builtins import safe_builtins


def run(text: str, **state: Any) -> dict[str, Any]:
    """What the statements set, evaluated as an engine does it."""
    memory: dict[str, Any] = {}
    assignments = parse(text)
    for group in sorted({one.group for one in assignments}):
        scope = {"__builtins__": safe_builtins(), **state, **memory, "memory": dict(memory)}
        found = {
            one.name: eval(one.expression, dict(scope)) for one in assignments if one.group == group
        }
        memory |= found
    return memory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# nothing\n\n# at all", {}),
        ("x = 1", {"x": 1}),
        ("x = 1; y = x + 1  # both", {"x": 1, "y": 2}),
        ("x: int = 1", {"x": 1}),
        ("a = b = [1]", {"a": [1], "b": [1]}),
        ("a, b = 1, 2\na, b = b, a", {"a": 2, "b": 1}),
        ("x = 2\nx += 1 or 5\nx **= 1 + 1", {"x": 9}),
        ("x = 7\nx //= 2\nx -= 1\nx <<= 2", {"x": 8}),
        ("x = (1 +\n  2)", {"x": 3}),
        ("x = 'ä' + \\\n  'ö'", {"x": "äö"}),
        ("x = {\n  'ü': 'é',  # a note\n  'b': 2,\n}['ü']", {"x": "é"}),
        ("x = '''a\n  b'''", {"x": "a\n  b"}),
        ("x = 'a\x0cb'\ny = 'a\x1cb'\nz = 3", {"x": "a\x0cb", "y": "a\x1cb", "z": 3}),
        ("x = 1\r\ny = [1,\r\n 2]\rz = 3", {"x": 1, "y": [1, 2], "z": 3}),
        ("größe = 1", {"größe": 1}),
        ("x = *[1], 2", {"x": (1, 2)}),
        ("x = [i for i in range(3) if i]", {"x": [1, 2]}),
        ("x = sum(i * 2 for i in (1, 2))", {"x": 6}),
        ("x = sorted([(1, 2), (2, 1)], key=lambda pair: pair[1])", {"x": [(2, 1), (1, 2)]}),
        ("x = 'yes' if not None else 'no'", {"x": "yes"}),
        ("n = 2\nx = f'{n:>{n + 1}}|{n!r}'", {"n": 2, "x": "  2|2"}),
        ("x = '{:>3} {a}'.format(1, a=2)", {"x": "  1 2"}),
        ("x = '{.real}'.format(1)", {"x": "1"}),
        ("x = 'a,b'.split(',')[0].upper()", {"x": "A"}),
        ("memory.update({})", {}),
        ("memory.update()", {}),
        ("memory.update({'a': 1, \"b\": 2}, c=3)", {"a": 1, "b": 2, "c": 3}),
        (
            "memory.update({\n  # first\n  'a': [\n    1,\n  ],\n  'b': (2\n  + 3), # last\n})",
            {"a": [1], "b": 5},
        ),
        ("a = 1\nb = 2\nmemory.update({'a': b, 'b': a})", {"a": 2, "b": 1}),
        ("a = 1\nb = memory['a'] + 1", {"a": 1, "b": 2}),
        ("memory.update({'\ufb01': 1})", {"fi": 1}),
    ],
)
def test_statements(text: str, expected: dict[str, Any]) -> None:
    assert run(text) == expected


def test_an_odd_escape_does_not_warn() -> None:
    assert parse("x = '\\d'")[0].expression == "'\\d'"


def test_expressions_see_the_state() -> None:
    assert run("x = rows[0]['n'] + len(rows)", rows=[{"n": 4}]) == {"x": 5}


def test_lines_and_groups() -> None:
    assignments = parse("# c\nx = 1\nmemory.update({\n  'a': 1,\n  'b': 2})\ny = 3")
    assert [(one.name, one.line) for one in assignments] == [("x", 2), ("a", 4), ("b", 5), ("y", 6)]
    groups = [one.group for one in assignments]
    assert groups[1] == groups[2]
    assert groups == sorted(groups)
    assert len(set(groups)) == 3
    assert parse("x = 1")[0] == Assignment("x", "1", 1, 0)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("import os", "`name = expression`"),
        ("from os import path", "`memory.update({…})`"),
        ("def f(): pass", "something else"),
        ("print(1)", "something else"),
        ("1", "something else"),
        ("'''text'''", "something else"),
        ("pass", "something else"),
        ("del x", "something else"),
        ("for i in x: y = i", "something else"),
        ("if x: y = 1", "something else"),
        ("x: int", "something else"),
        ("memory.clear()", "something else"),
        ("other.update({'a': 1})", "something else"),
        ("memory['a'] = 1", "only names can be assigned to"),
        ("x.y = 1", "only names can be assigned to"),
        ("x[0] += 1", "something else"),
        ("a, b = f", "only names can be assigned to"),
        ("a, *b = 1, 2", "only names can be assigned to"),
        ("a = b.c = 1", "only names can be assigned to"),
        ("memory = {}", "`memory` cannot be set"),
        ("_x = 1", "`_x` cannot be set"),
        ("__builtins__ = {}", "`__builtins__` cannot be set"),
        ("memory.update({'__builtins__': {}})", "`__builtins__` cannot be set"),
        ("memory.update(_a=1)", "`_a` cannot be set"),
        ("memory.update({'class': 1})", "'class' cannot be the name"),
        ("memory.update({'a b': 1})", "'a b' cannot be the name"),
        ("memory.update({'': 1})", "'' cannot be the name"),
        ("memory.update({key: 1})", "must be a name in quotes"),
        ("memory.update({1: 1})", "must be a name in quotes"),
        ("memory.update({**x})", "must be a name in quotes"),
        ("memory.update(**x)", "`**` cannot stand here"),
        ("memory.update(x)", "one dictionary, written out"),
        ("memory.update([('a', 1)])", "one dictionary, written out"),
        ("memory.update({}, {})", "one dictionary, written out"),
        ("x = y.__class__", "`__class__` is out of"),
        ("x = y._private", "`_private` is out of"),
        ("x = [y.__class__ for y in z]", "`__class__` is out of"),
        ("x = f'{y.__class__}'", "`__class__` is out of"),
        ("x = f'{y:{z.__class__}}'", "`__class__` is out of"),
        ("x = (lambda y=z.__globals__: y)()", "`__globals__` is out of"),
        ("x = (i for i in y).gi_frame", "`gi_frame` is out of"),
        ("x = y.f_globals", "`f_globals` is out of"),
        ("x = __import__('os')", "`__import__` is out of"),
        ("x = '{0.__class__}'.format(y)", "`format` can be called only"),
        ("x = '{0:{1._a}}'.format(y, z)", "`format` can be called only"),
        ("x = '{0.gi_frame}'.format(y)", "`format` can be called only"),
        ("x = ('{0.__cl' + 'ass__}').format(y)", "`format` can be called only"),
        ("x = y.format(z)", "`format` can be called only"),
        ("x = str.format", "`format` can be called only"),
        ("x = map('{0._a}'.format, y)", "`format` can be called only"),
        ("x = '{a}'.format_map(y).format(z)", "`format` can be called only"),
        ("x = (y := 1)", "`:=` is not allowed"),
        ("x = [y := 1, y]", "`:=` is not allowed"),
        ("x = await y", "`await` is not allowed"),
        ("x = (yield)", "`yield` is not allowed"),
        ("x = yield from y", "`yield from` is not allowed"),
        ("x = [y async for y in z]", "`async for` is not allowed"),
        ("memory.update({'a': y.__class__})", "`__class__` is out of"),
        ("x = = 1", "not Python"),
        ("x = (", "not Python"),
    ],
)
def test_anything_else_is_refused_with_its_line(statement: str, reason: str) -> None:
    with pytest.raises(InvalidMemory) as raised:
        parse(f"a = 1\n\n{statement}")
    message = str(raised.value)
    assert message.startswith("Line 3: ")
    assert reason in message
    assert message.endswith(".")


@pytest.mark.parametrize("text", ["\x00", "x = \ud800", "x = " + "(" * 5000, "x" + ".y" * 50_000])
def test_what_the_parser_cannot_take_is_refused(text: str) -> None:
    with pytest.raises(InvalidMemory):
        parse(text)


@given(
    text=st.lists(
        st.sampled_from(
            [
                "x",
                "=",
                " ",
                "\n",
                "memory",
                ".update",
                "(",
                ")",
                "{",
                "}",
                "'a'",
                ":",
                "1",
                ",",
                "+=",
                "lambda",
                "_",
                ".",
                "#",
                "\\",
                "é",
                "\x00",
                "[",
                "]",
                "f'{x}'",
                "\t",
                "\r",
            ]
        ),
        max_size=15,
    ).map("".join)
    | st.text(max_size=20)
)
@settings(max_examples=300)
def test_any_text_gives_assignments_or_one_sentence(text: str) -> None:
    try:
        assignments = parse(text)
    except InvalidMemory as error:
        message = str(error)
    else:
        message = "."
        assignments_hold(assignments)
    assert message.endswith(".")


def assignments_hold(assignments: list[Assignment]) -> None:
    for one in assignments:
        assert one.name.isidentifier()
        compile(one.expression, "<memory>", "eval", dont_inherit=True)
