"""Each construct of the catalogue alone: a failure names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from law_catalogue import CATALOGUE
from law_check import Law
from law_construct import Construct
from law_notebooks import of_construct

__all__ = ["FILES", "in_order", "in_parallel", "share"]

FILES = 4
"""How many files share the constructs."""


def share(number: int) -> Sequence[Construct]:
    """The constructs of one file.

    Args:
        number: Which, from 0 on.
    """
    return CATALOGUE[number::FILES]


def in_parallel(constructs: Sequence[Construct], *, in_full: bool = False) -> Callable[..., Any]:
    """A test that each of them leaves in parallel what it leaves in order, and replays.

    Args:
        constructs: Which.
        in_full: Each shape, and both recordings; else, by turns, one of them, as the drawn
            notebooks have all.
    """

    @pytest.mark.one_python
    @pytest.mark.unmeasured
    @pytest.mark.parametrize("construct", constructs, ids=lambda construct: construct.name)
    def test_a_construct_leaves_in_parallel_what_it_leaves_in_order(law: Law, construct: Construct):
        _skip_without_libraries(construct)
        number, shapes = CATALOGUE.index(construct), list(construct.shapes())
        if not in_full:
            shapes = [shapes[number // 2 % len(shapes)]]
        sketches = [
            # By its seed one recording is replayed, where it is not both.
            of_construct(construct, construct.shapes()[shape], seed=2 * number, in_full=in_full)
            for shape in shapes
        ]
        for shape, sketch, how in zip(shapes, sketches, law.differences(sketches), strict=True):
            if how is not None:
                raise Broken(f"{construct.name}, {shape}\n{sketch}\n{how}")

    return test_a_construct_leaves_in_parallel_what_it_leaves_in_order


def in_order(constructs: Sequence[Construct]) -> Callable[..., Any]:
    """A test that each of them is fit for the law: see there."""

    @pytest.mark.one_python
    @pytest.mark.unmeasured
    @pytest.mark.parametrize("construct", constructs, ids=lambda one: one.name)
    def test_a_construct_is_the_same_each_time_and_its_effect_is_seen(
        law: Law, construct: Construct
    ):
        _skip_without_libraries(construct)
        sketch, *_ = (of_construct(construct, parts) for parts in construct.shapes().values())
        without_effect = None
        if not construct.cells:
            setup, slow, _, read = sketch.parts
            without_effect = of_construct(construct, (setup, slow, read))
        assert law.unfit(sketch, without_effect, may_fail=construct.fails) is None

    return test_a_construct_is_the_same_each_time_and_its_effect_is_seen


class Broken(AssertionError):
    """A construct breaks the law."""


def _skip_without_libraries(construct: Construct) -> None:
    if missing := construct.missing():
        pytest.skip(f"{', '.join(missing)} is not installed")
