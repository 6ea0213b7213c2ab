"""The many notebooks of the law, in parts that end in time and that processes share out.

Of the environment, ``LAW_NOTEBOOKS`` says how many there are (2,000, which take some seven minutes of a
core; `nox -s law` draws 20,000), ``LAW_FIRST_SEED`` which are drawn (those from 0 on), and ``LAW_SEED``
that it is one only: the failure of a part says which. A seed draws the same notebook as long as the
catalogue is the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from law_catalogue import CATALOGUE
from law_check import Law
from law_notebooks import Sketch, drawn

__all__ = ["FILES", "part", "sketch_of"]

FILES = 8
"""How many files share the notebooks."""
_AT_ONCE = 25
_NOTEBOOKS = int(os.environ.get("LAW_NOTEBOOKS", "2000"))
_FIRST_SEED = int(os.environ.get("LAW_FIRST_SEED", "0"))
_ONLY_SEED = os.environ.get("LAW_SEED")

_DRAWN_FROM = [construct for construct in CATALOGUE if not construct.missing()]


def sketch_of(seed: int) -> Sketch:
    """The notebook of a seed."""
    return drawn(seed, _DRAWN_FROM)


def part(number: int) -> Callable[..., Any]:
    """A test of one file's share.

    Args:
        number: Which, from 0 on.
    """
    if _ONLY_SEED is not None:
        shares = [[int(_ONLY_SEED)]] if number == 0 else []
    else:
        seeds = range(_FIRST_SEED + number, _FIRST_SEED + _NOTEBOOKS, FILES)
        shares = [list(seeds[at : at + _AT_ONCE]) for at in range(0, len(seeds), _AT_ONCE)]

    @pytest.mark.one_python
    @pytest.mark.unmeasured
    @pytest.mark.parametrize("seeds", shares, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
    def test_notebooks_leave_in_parallel_what_they_leave_in_order(law: Law, seeds: list[int]):
        hold(law, seeds)

    return test_notebooks_leave_in_parallel_what_they_leave_in_order


def hold(law: Law, seeds: Iterable[int]) -> None:
    """Hold the notebooks of some seeds to the law.

    Raises:
        AssertionError: One breaks it: its seed, what it was made of, and the least notebook that
            breaks it as well.
    """
    seeds = list(seeds)
    sketches = [sketch_of(seed) for seed in seeds]
    told = law.differences(sketches)
    broken = [place for place, how in enumerate(told) if how is not None]
    if not broken:
        return
    first = broken[0]
    least, how = law.least(sketches[first])
    others = ", ".join(str(seeds[place]) for place in broken)
    pytest.fail(
        f"Broken by {len(broken)} of {len(seeds)}: seeds {others}. Alone: LAW_SEED={seeds[first]} "
        f"pytest {__file__.replace('law_parts', 'test_law_notebooks_1')}\n"
        f"made of {', '.join(sketches[first].constructs)}\n{told[first]}\n\n"
        f"The least that was found:\n{least}\n{how}",
        pytrace=False,
    )
