"""Parameters stand in a cell of their own, behind the one with the defaults."""

from __future__ import annotations

import pytest

from llm_repl_core import CodeCell, InvalidInput, Notebook, PromptCell
from llm_repl_core.parameters.injected import GivenParameters, apply_parameters


def notebook(*codes: str, tagged: int | None = None, tag: str = "parameters") -> Notebook:
    made = Notebook("P")
    for place, code in enumerate(codes):
        cell = made.add_code(code)
        if place == tagged:
            cell.metadata["tags"] = [tag]
    return made


def give(made: Notebook, **texts: str) -> tuple[str, ...]:
    return apply_parameters(made, GivenParameters(texts=texts)).warnings


def contents(made: Notebook) -> list[str]:
    return [cell.content for cell in made]


def test_they_are_put_behind_the_defaults_and_replaced() -> None:
    made = notebook("import os", "n = 3\nm = 1", "print(n)", tagged=1)
    before = made.updated_at
    assert give(made, n="9") == ()
    assert contents(made)[2] == "# Parameters\nn = 9"
    assert made.cells[2].metadata == {"tags": ["injected-parameters"]}
    assert made.updated_at == before
    first_id = made.cells[2].id
    assert give(made, m="2") == ()
    assert contents(made)[2:] == ["# Parameters\nm = 2", "print(n)"]
    assert made.cells[2].id == first_id


def test_the_cell_has_the_same_id_each_time_unless_it_is_taken() -> None:
    made = notebook("n = 3", tagged=0)
    again = Notebook("P", cells=[made.cells[0].copy(id=made.cells[0].id)])
    give(made, n="1")
    give(again, n="2")
    assert made.cells[1].id == again.cells[1].id
    taken = Notebook(cells=[made.cells[0].copy(id=made.cells[0].id), CodeCell(id=made.cells[1].id)])
    give(taken, n="1")
    assert len({cell.id for cell in taken}) == 3


def test_answers_keep_their_names() -> None:
    made = notebook("n = 3", tagged=0)
    made.insert(PromptCell(content="a"), 0)
    made.insert(PromptCell(content="b"))
    made.insert(PromptCell(content="c", response_var="own"))
    give(made, n="9")
    names = [cell.response_var for cell in made if isinstance(cell, PromptCell)]
    assert names == [None, "response_2", "own"]


def test_what_was_injected_alone_is_replaced() -> None:
    made = notebook("n = 9", "print(n)", tagged=0, tag="injected-parameters")
    give(made, n="10")
    assert contents(made) == ["# Parameters\nn = 10", "print(n)"]


@pytest.mark.parametrize("tagged", [0, None])
@pytest.mark.parametrize("name", ["class", "__name__", "a b", "ﬁ½"])
def test_a_name_that_is_none_is_refused(name: str, tagged: int | None) -> None:
    made = notebook("n = 3", "print(n)", tagged=tagged)
    with pytest.raises(InvalidInput, match=f"`{name}`"):
        give(made, **{name: "1"})
    assert len(made) == 2


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    made = notebook("month = 'May'\nn = 3", "print(cities)", tagged=0)
    with pytest.raises(InvalidInput, match=r"`mnoth`.*has `month`, `n`\. Did you mean `month`\?"):
        give(made, mnoth="June")
    with pytest.raises(InvalidInput, match="no parameter `cities`"):
        give(made, cities="[]")


def test_without_a_cell_of_defaults_a_name_that_stands_nowhere_is_refused() -> None:
    made = notebook("print(month)")
    with pytest.raises(InvalidInput, match=r"No cell uses .*`mnoth`. Did you mean `month`\?"):
        give(made, mnoth="June")
    for uses in ("eval('mnoth')", "db.sql('select * from mnoth')"):
        assert give(notebook(uses), mnoth="1") == ()
    prompt = Notebook(cells=[PromptCell(content="x", for_each="mnoth")])
    assert give(prompt, mnoth="[1]") == ()
    assert "No cell uses" in give(notebook("%run other.py"), mnoth="1")[0]


@pytest.mark.parametrize(
    ("codes", "place"),
    [
        (["n = 3", "print(n)"], 1),
        (["import os", "for n in [1]: pass"], None),
        (["print(n)", "n = 3"], None),
        (["n = n + 1"], None),
        (["if 'n' not in globals():\n    n = 3"], None),
        (["try:\n    n\nexcept NameError:\n    n = 3"], None),
        (["x = 1", "n: int = 3"], 2),
    ],
)
def test_a_cell_that_sets_it_anew_before_it_is_used_is_named(
    codes: list[str], place: int | None
) -> None:
    warnings = give(notebook(*codes), n="9")
    assert [f"Cell {place} sets `n`" in one for one in warnings] == [True] * (place is not None)
    made = notebook("n = 0", *codes, tagged=0)
    warnings = give(made, n="9")
    # The notebook that runs has two cells more above.
    where = None if place is None else f"Cell {place + 2} sets `n` again"
    assert [str(where) in one for one in warnings] == [True] * (place is not None)


def test_later_fields_go_before_earlier_ones() -> None:
    made = notebook("a = 'x'\nb = 'x'\nc = 'x'", tagged=0)
    given = GivenParameters(
        values={"a": "file", "b": "file", "c": "file"},
        texts={"b": "typed", "c": "typed"},
        raw={"c": "False"},
    )
    assert apply_parameters(made, given).values == {"a": "file", "b": "typed", "c": "False"}


def test_a_notebook_of_another_language_is_refused() -> None:
    made = Notebook(metadata={"kernelspec": {"name": "ir", "language": "R"}})
    with pytest.raises(InvalidInput, match="in R"):
        give(made, n="1")


def test_nothing_is_done_where_nothing_is_given() -> None:
    made = notebook("n = 3", tagged=0)
    assert apply_parameters(made, GivenParameters()).values == {}
    assert len(made) == 1
