"""What prompts, memory cells and other cells do."""

from __future__ import annotations

import pytest

from llm_repl_core.dataflow.cells import analyse_cell, analyse_memory, analyse_template
from llm_repl_core.dataflow.effects import NOTHING
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("no field", ""),
        ("{} {{x}} {'a': 1} { return y; }", ""),
        ("{x} {y!r} {z=}", "x y z"),
        ("{x:{width}.{digits}}", "x width digits"),
        ("{frame['a'].min():.2f}", "frame"),
        ("{x + [y for y in z][n]}", "x z n"),
        ("{(a + b) / 2}", "a b"),
        ("{_}", "_"),
        ("{f(x)}", "f x"),
    ],
)
def test_templates(text: str, reads: str) -> None:
    effects = analyse_template(text)
    assert effects.reads == set(reads.split())
    assert effects.writes == set()


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("{x}", False),
        ("{len(x)} {sorted(x)} {sum(n for n in x)}", False),
        ("{frame.head().to_string()}", False),
        ("{x.upper().strip()} {', '.join(x)} {x.get('k')}", False),
        ("{x.pop()}", True),
        ("{f(x)}", True),
        ("{x:{f(y)}}", True),
        ("{open(x).read()}", True),
        ("{next(x)}", True),
    ],
)
def test_calls_in_templates(text: str, calls: bool) -> None:
    assert analyse_template(text).calls is calls


def test_a_template_may_see_all_names() -> None:
    assert analyse_template("{globals()}").sees_all is not None
    assert analyse_template("{frame.query(text)}").sees_all is not None


@pytest.mark.parametrize(
    ("text", "reads", "writes"),
    [
        ("x = 1", "", "x memory"),
        ("x = a\ny = b + len(c)", "a b c", "x y memory"),
        ("x += a", "x a", "x memory"),
        ("x, y = a, b", "a b", "x y memory"),
        ("x = memory['a']", "memory", "x memory"),
        ("memory.update({'x': a}, y=[b for b in c])", "a c", "x y memory"),
        ("# a comment", "", ""),
        ("import os", "", ""),
        ("this is some prose", "", ""),
    ],
)
def test_memory(text: str, reads: str, writes: str) -> None:
    effects = analyse_memory(text)
    assert effects.reads == set(reads.split())
    assert effects.writes == effects.rebinds == set(writes.split())
    assert effects.sees_all is None


def test_prompts_bind_their_variable_and_the_last_answer() -> None:
    effects = analyse_cell(PromptCell(content="Tell {x}"), "answer")
    assert effects.reads == {"x"}
    assert effects.writes == effects.rebinds == {"answer", "_"}
    assert effects.plain == {"answer", "_"}
    assert effects.sees_all is None


def test_a_prompt_reads_its_options() -> None:
    cell = PromptCell(
        content="Tell {a}",
        system="Be {b}",
        attachments=["picture", "folder/picture.png"],
        schema="Form",
    )
    effects = analyse_cell(cell, "x")
    assert effects.reads == {"a", "b", "picture", "Form"}
    assert effects.reads_files
    assert effects.plain == set(), "an instance of a class is no plain data"
    cell.change(schema=" Form ")
    assert analyse_cell(cell, "x").reads == effects.reads
    cell.change(schema="name, age int")
    assert analyse_cell(cell, "x").reads == {"a", "b", "picture"}
    cell.change(schema={"type": "object"}, attachments=[])
    assert analyse_cell(cell, "x").reads == {"a", "b"}


@pytest.mark.parametrize(("own", "reads"), [(None, "a c"), ("{b}", "a b"), ("", "a")])
def test_the_system_text_of_the_notebook_is_for_prompts_without_one(
    own: str | None, reads: str
) -> None:
    cell = PromptCell(content="{a}", system=own)
    assert analyse_cell(cell, "x", "{c}").reads == set(reads.split())


def test_the_item_is_no_variable_where_there_are_items() -> None:
    cell = PromptCell(content="{item.pop()} {a}", for_each="rows[:n]")
    effects = analyse_cell(cell, "x")
    assert effects.reads == {"rows", "n", "a"}
    assert "rows" in effects.touches
    assert analyse_cell(PromptCell(content="{item}"), "x").reads == {"item"}
    cell = PromptCell(content="Tell", for_each="item", attachments=["item"])
    assert analyse_cell(cell, "x").reads == {"item"}


def test_tools_may_see_all_names() -> None:
    effects = analyse_cell(PromptCell(content="Go", tools=["search"]), "x")
    assert effects.reads == {"search"}
    assert effects.writes == {"x", "_"}
    assert effects.sees_all is not None


def test_by_type() -> None:
    assert analyse_cell(MarkdownCell(content="{x}")) is NOTHING
    assert analyse_cell(CodeCell(content="x = y")).reads == {"y"}
    assert analyse_cell(MemoryCell(content="x = y")).writes == {"x", "memory"}


def test_other_types_may_see_all_names() -> None:
    class Chart(Cell, kw_only=True):
        type = "chart"
        wire_type = "ChartCell"

    assert analyse_cell(Chart()).sees_all == "cells of the type `chart` are not analysed"
    foreign = ForeignCell(foreign_type="SQLCell")
    assert analyse_cell(foreign).sees_all == "cells of the type `SQLCell` are not analysed"
