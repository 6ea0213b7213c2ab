"""Templates: which braces are fields, what is filled in, and what is said where it cannot be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidTemplate
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Value
from llm_repl_core.templates import parse

CONVERSIONS = {"r": repr, "s": str, "a": ascii}
STATE: dict[str, Any] = {
    "name": "Ada",
    "n": 3,
    "w": 8,
    "p": 2,
    "x": 2.71828,
    "d": {"key": ["a", "b"], "}": "brace", "q'": 1},
    "obj": SimpleNamespace(text="t", items=[1, 2]),
    "day": date(2024, 5, 1),
    "f": lambda *values, **named: (values, named),
    "big": 10**6,
}


def shown(expression: Expression) -> str:
    """The text of an expression, as a kernel makes it."""
    value = eval(expression.source, dict(STATE))
    if expression.conversion:
        value = CONVERSIONS[expression.conversion](value)
    spec = "".join(
        part if isinstance(part, str) else shown(part) for part in expression.format_spec
    )
    return format(value, spec)


def rendered(text: str) -> str:
    template = parse(text)
    return template.fill([Value(shown(one), "str") for one in template.expressions])


# Each is a field in every Python; the expected text is what its f-string gives.
FIELDS = [
    "{name}",
    "{ name }",
    "{name}{n}",
    "{name!r}",
    "{name!r:>10}",
    "{name!s:*^{w}}",
    "{x:.{p}f}",
    "{x:{w}.{p}f}",
    "{x:{w}.{p+1}f}",
    "{x:,.1f}|{big:,}|{big:_}",
    "{n=}",
    "{n = }",
    "{ n=!s}",
    "{x=:.1f}",
    "{name=:>6}",
    "{n:=+5}",
    "{n!=4}",
    "{n != 4!r}",
    "{n==3}{n<=3}{n>=3}{n<4>2}",
    "{d['key'][0]}",
    "{d['}']}",
    '{d["q\'"]}',
    "{d['key'][0:1]}",
    "{d['key'][::-1]!r}",
    "{obj.text}",
    "{len(obj.items) + 1}",
    "{n if n else 'no'}",
    "{name or 'nobody'}",
    "{name, n}",
    "{n, *d['key']}",
    "{(n + 1) * 2}",
    "{(n)}",
    "{f({'a': 1}, {1}, b=2)}",
    "{f(lambda v: v)[1]}",
    "{sorted(k for k in d)[0]!r}",
    "{day:%Y-%m-%d}",
    "{day:%H:%M}",
    '{d.get(\'no\', """x}\'""")}',
    "{{name}} {{{name}}} {{{{name}}}}",
    "{{}}",
    "{{ '{name}' }}",
]


@pytest.mark.parametrize("text", FIELDS)
def test_fields_are_those_of_an_f_string(text: str) -> None:
    quote = '"""' if "'''" in text else "'''"
    if '"""' in text:
        quote = "'''"
        expected = text.replace('{d.get(\'no\', """x}\'""")}', "x}'")
    else:
        expected = eval(f"f{quote}{text}{quote}", dict(STATE))
    assert rendered(text) == expected


def test_a_field_may_go_over_several_lines() -> None:
    assert rendered("{\n  obj\n  .text\n}") == "t"
    assert rendered("{f(\n  n,\n  2)[0]}") == "(3, 2)"


PLAIN = [
    "",
    "no braces",
    "{}",
    "{ }",
    '{"a": 1}',
    '{"a": {"b": {"c": []}}}',
    '[{"a": 1}, {"b": {"c": 2}}]',
    "{ return 1; }",
    "{ color: red; }",
    "body {\n  color: red;\n  margin: 0;\n}",
    "{\n  a: 1,\n  b: 2\n}",
    "{1}",
    "{-n}",
    "{not n}",
    "{'text'}",
    "{[n]}",
    "{()}",
    "{None}{True}{False}",
    "{lambda: n}",
    "{*n}",
    "{**d}",
    "{await f}",
    "{f(await f)}",
    "{yield}",
    "{f((yield n))}",
    "{(n := 5)}",
    "{f(n := 5)}",
    "{n for n in d}",
    "{\nn for n in d\n}",
    "{class}",
    "{if n}",
    "{n!}",
    "{n!x}",
    "{n!r }",
    "{n!rr}",
    "{n=1}",
    "{n = 1}",
    "{i=1}^{2n}",
    "{n n}",
    "{n;}",
    "{n",
    "n}",
    "{n:",
    "{n:{'w'}}",
    "{n:{w;}}",
    "{n[}",
    "{n[)}",
    "{n)}",
    "{n # no}",
    "{n\\}",
    "{d['a}",
    "{n\x00}",
    "{n\ud800}",
    "{%s}",
    "{#section}{/section}",
    "{@html x}",
    "}{",
    "} {",
    "{ {} }",
]


@pytest.mark.parametrize("text", PLAIN)
def test_other_braces_are_plain_text(text: str) -> None:
    template = parse(text)
    assert template.expressions == ()
    assert template.fill([]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"user": "{name}", "n": {n}}', '{"user": "Ada", "n": 3}'),
        ('{{"user": "{name}"}}', '{"user": "Ada"}'),
        ('{"a": {{b}}, "c": {"d": {n}}}', '{"a": {b}, "c": {"d": 3}}'),
        ("function f() { return {n}; }", "function f() { return 3; }"),
        ("{{a} b}}", "{a} b}"),
        ("}} }", "} }"),
        ("{ {n} }", "{ 3 }"),
        ("{n:{w}", "{n:8"),
        ("{\u00a0n}", "3"),
        ("\\frac{{a}}{{b}}", "\\frac{a}{b}"),
        ("don't {name}'s", "don't Ada's"),
        ('"{name}" {n}', '"Ada" 3'),
    ],
)
def test_fields_and_plain_braces_mix(text: str, expected: str) -> None:
    assert rendered(text) == expected


def test_what_is_inserted_is_not_scanned_again() -> None:
    template = parse("{name} {n}")
    assert template.fill([Value("{n} {{}} }", "str"), Value("{name}", "str")]) == (
        "{n} {{}} } {name}"
    )


def test_a_specs_fields_are_expressions_too() -> None:
    [expression] = parse("{x:>{w!s:{p}}.{n}f}").expressions
    assert expression == Expression(
        "x", None, (">", Expression("w", "s", (Expression("p"),)), ".", Expression("n"), "f")
    )
    # Deeper is no field in Python either; what stands inside still may be one.
    assert parse("{x:{w:{p:{n}}}}").expressions == parse("{w:{p:{n}}}").expressions


def test_the_source_is_what_eval_takes() -> None:
    sources = [one.source for one in parse("{ n }{\n n\n + 1}{name, n}").expressions]
    assert sources == ["n", "(n\n + 1)", "name, n"]
    for source in sources:
        eval(source, dict(STATE))


def test_a_template_is_parsed_once() -> None:
    assert parse("{name} once") is parse("{name} once")


# What is said -----------------------------------------------------------------------------------


def message_of(text: str, value: Evaluated) -> str:
    with pytest.raises(InvalidTemplate) as raised:
        parse(text).fill([value])
    return str(raised.value)


def missing(name: str, names: Sequence[str]) -> Failed:
    return Failed("NameError", f"name '{name}' is not defined", tuple(names))


def test_a_missing_name_is_named_with_those_that_exist() -> None:
    assert message_of("a\nb\n{prices}", missing("prices", ["a", "b"])) == (
        "`{prices}` at line 3: there is no variable `prices`; the state has: a, b. "
        "For plain braces write `{{` and `}}`."
    )


def test_a_close_name_is_suggested() -> None:
    assert "`prices` (did you mean `price`?)" in message_of(
        "{prices}", missing("prices", ["price"])
    )


def test_many_names_are_cut_and_none_are_said_so() -> None:
    many = [f"v{number:03}" for number in range(50)]
    assert "v018, v019 (… and 30 more)" in message_of("{prices}", missing("prices", many))
    assert "the state is empty" in message_of("{prices}", missing("prices", []))


def test_any_other_failure_is_told_as_it_is() -> None:
    failed = Failed("KeyError", "'no'")
    assert message_of("{d['no']}", failed).startswith("`{d['no']}` at line 1: KeyError: 'no'.")
    assert "line 1: Stop." in message_of("{f()}", Failed("Stop", ""))


def test_a_long_field_is_cut_in_the_message() -> None:
    assert len(message_of("{" + "a" * 5000 + "}", Failed("E", "e"))) < 300


def test_a_value_that_was_cut_is_not_sent() -> None:
    cut = Value("a", "str", truncated=True)
    assert message_of("{ x }", cut) == (
        "`{ x }` at line 1 is longer than the text of a value may be; insert a part of it, as in "
        "`{x[:10000]}`."
    )
    assert message_of("{x()}", cut).endswith("as in `{text[:10000]}`.")


def test_the_line_counts_from_the_text_before() -> None:
    template = parse("{n}\n\n{n} {n}\n{\nn}")
    assert [field.line for field in template.fields] == [1, 3, 3, 4]


def test_the_number_of_values_must_fit() -> None:
    with pytest.raises(ValueError, match="1 values are needed"):
        parse("{n}").fill([])


# Laws -------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "{",
        "}",
        "{{",
        "}}",
        "a",
        " ",
        "\n",
        "!",
        "!r",
        ":",
        "=",
        "'",
        '"',
        '"""',
        "(",
        ")",
        "[",
        "]",
        "\\",
        "#",
        ";",
        ".",
        ",",
        "{a}",
        "1",
        "\x00",
        "\ud800",
        "é",
        "lambda",
        "not ",
        ":=",
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=30)


@given(text=TEXTS)
@settings(max_examples=250)
def test_no_text_is_refused_and_nothing_is_scanned_again(text: str) -> None:
    template = parse.__wrapped__(text)
    marks = [f"{{a}}}}{{{number}" for number in range(len(template.expressions))]
    filled = template.fill([Value(mark, "str") for mark in marks])
    for mark in marks:
        before, found, filled = filled.partition(mark)
        assert found
        assert before.count("{") <= text.count("{")
    for field in template.fields:
        assert field.text in text
        compile(field.expression.source, "<field>", "eval", dont_inherit=True)


@given(text=TEXTS)
@settings(max_examples=250)
def test_a_doubled_text_comes_back_as_it_was(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    template = parse.__wrapped__(doubled)
    assert template.expressions == ()
    # An unopened `}}` within escaped braces is one brace, as in an f-string.
    assert template.fill([]) == text


@given(text=st.text(alphabet="ab {}\n", max_size=30))
def test_a_text_without_fields_loses_only_doubled_braces(text: str) -> None:
    template = parse.__wrapped__(text)
    if not template.expressions:
        assert template.fill([]).replace("{", "").replace("}", "") == (
            text.replace("{", "").replace("}", "")
        )
        if "{{" not in text and "}}" not in text:
            assert template.fill([]) == text


@pytest.mark.parametrize(
    "unit",
    [
        *("{", "{ ", "}", "{a", "{a ", "{a(", "{a[", "{a{", "{a+", "{a.", "{a}", "{a.b}", "{a b}"),
        *('{a"', "{a'\"", '{a"""', "{a'''{b\"\"\"", '{a"\\', "{a:", "{a:{", "{a=", "{a!r:", "{("),
        *("{a#", "a}", "{a'\\''", "{a;", "{a\n"),
    ],
)
def test_a_hundred_thousand_characters_take_no_quadratic_time(unit: str) -> None:
    text = unit * (60_000 // len(unit)) + "}" * 40_000
    started = time.perf_counter()
    parse.__wrapped__(text)
    # Far above what it takes, and far below what quadratic time would.
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize(
    "inside",
    [
        "a" + ".b" * 4900,
        "a" + "()" * 4900,
        "a" + "**a" * 3000,
        "a and " + "not " * 2000 + "a",
        "a + " + "-" * 9000 + "a",
        "f(" + "lambda:" * 1300 + "a)",
        "a" + " if b else c" * 800,
        "(" * 100_000 + "a" + ")" * 100_000,
        "a" * 100_000,
        "a" + " " * 100_000,
        "a+" + "1" * 9000,
    ],
)
def test_what_overwhelms_pythons_parser_is_text_or_a_field(inside: str) -> None:
    template = parse.__wrapped__("{" + inside + "}")
    assert len(template.fields) <= 1


def test_escapes_and_odd_numbers_do_not_warn() -> None:
    assert len(parse("{d['\\d']} {n + 1or 2}").fields) == 2
