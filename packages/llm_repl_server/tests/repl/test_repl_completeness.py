"""Whether Python that was typed can run."""

from __future__ import annotations

import pytest

from llm_repl_server.repl.completeness import indent_after, is_complete


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "if x: y",
        "for i in range(3):\n    print(i)\n",
        "def f():\n    return 1\n\n",
        "def f():\n    return 1\nf()",
        "x = [\n    1,\n    2]",
        "await f()",
        "async with a as b:\n    pass\n",
        "%time sum(range(10))",
        "files = !ls",
        "!ls | head",
        "frame?",
        "x = )",
        "x = 'unfinished",
        "",
        "# only a comment",
    ],
)
def test_what_can_run_or_is_wrong_already(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize(
    "text",
    [
        "if x:",
        "for i in range(3):\n    print(i)",
        "f(",
        "x = '''a",
        "@decorator",
        "x = 1 + \\",
        "try:\n    f()\n",
        "if x:\n    !ls",
        "%%time\nf()",
        "class A:\n    def f(self):\n        pass",
    ],
)
def test_what_goes_on(text: str) -> None:
    assert not is_complete(text)


def test_a_new_line_is_indented_as_the_last_one_asks() -> None:
    assert indent_after("if x:") == "    "
    assert indent_after("if x:  # why") == "    "
    assert indent_after("if x:\n    y = 1") == "    "
    assert indent_after("def f():\n    return 1") == ""
    assert indent_after("x = 1") == ""
