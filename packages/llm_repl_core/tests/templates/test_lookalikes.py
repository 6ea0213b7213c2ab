"""Which plain braces look like fields, and which fields stand where LaTeX has groups."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.templates import parse

LOOKALIKES = {
    "{', '.join(xs)}": ("expression", {"xs"}),
    "{-x}": ("expression", {"x"}),
    "{not x}": ("expression", {"x"}),
    "{2 * x:.2f}": ("expression", {"x"}),
    "{[n, x]!r}": ("expression", {"n", "x"}),
    "{[y for y in xs]}": ("expression", {"xs"}),
    "{y for y in xs}": ("expression", {"xs"}),
    "{(lambda y: y + x)(1)}": ("expression", {"x"}),
    "{await f(x)}": ("expression", {"f", "x"}),
    "{f'{x}'}": ("expression", {"x"}),
    "{'a' if x else 'b'}": ("expression", {"x"}),
    "{{name}}": ("doubled", {"name"}),
    "{{ name.upper() }}": ("doubled", {"name"}),
    "{{x:.2f}}": ("doubled", {"x"}),
    "Dear {name, how are you": ("open", {"name"}),
    "{f(x) and then more\n}": ("open", {"f"}),
}
NONE = [
    "{name}",
    "{(a, b)}",
    "{x:.2f}",
    "{{{name}}}",
    '{"a": 1}',
    '{"a": {"b": [1, 2]}}',
    "{}",
    "{1, 2}",
    "{...}",
    "{ return -x; }",
    "body { color: red; }",
    ".a{color:red;margin:-x}",
    "function f() {\n  return x;\n}",
    "```python\nprint({-x}, {{name}})\n```",
    "~~~\n{-x}\n~~~",
    "Write `{-x}` and `{{name}}`.",
    "$e^{-x}$, $x_{-n}$, \\frac{-x}{-n}",
    r"\d{1,3}-[a-z]{2,}",
    "${-1}",
    "{% if x %}{# x #}{% endif %}",
]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_braces_that_look_like_a_field(text):
    kind, names = LOOKALIKES[text]
    [lookalike] = parse(f"First.\n{text}").lookalikes
    assert (lookalike.kind, lookalike.names, lookalike.line) == (kind, names, 2)


@pytest.mark.parametrize("text", NONE)
def test_other_braces(text):
    assert parse(text).lookalikes == ()


@pytest.mark.parametrize(
    ("text", "in_formula"),
    [
        ("$x_{n}$", [True]),
        ("$x^{n}$ costs", [True]),
        (r"$\frac{a}{b}$", [True, True]),
        (r"$\frac{1}{b} + {n}$", [True, False]),
        (r"$$\sum_{n}$$", [True]),
        (r"\(x_{n}\) \[x_{n}\]", [True, True]),
        ("file_{n}.txt costs $5 or $6", [False]),
        ("$5 for file_{n}, $6 for two", [False]),
        ("`$x_{n}$`", [False]),
        ("```latex\n$x_{n}$\n```", [False]),
        ("${n}$", [False]),
        ("x_{n}", [False]),
    ],
)
def test_fields_where_latex_has_groups(text, in_formula):
    assert [field.in_formula for field in parse(text).fields] == in_formula


@given(st.text("{}[]()$\\_^`~'\"x1-, \n=:!a", max_size=60))
def test_any_text_has_an_answer(text):
    template = parse(text)
    for lookalike in template.lookalikes:
        assert lookalike.text in text
        assert lookalike.names


@pytest.mark.parametrize(
    "piece", ["{-x}", "{", "{-x", "{{x", "{1}", "$x_{n}$ ", r"\(", "`", "```\n", "{'", "{x:", "$"]
)
def test_the_time_is_within_a_multiple_of_the_length(piece):
    """Not measured but bounded: what is quadratic takes minutes here."""
    began = time.process_time()
    parse(piece * (200_000 // len(piece)))
    assert time.process_time() - began < 60
