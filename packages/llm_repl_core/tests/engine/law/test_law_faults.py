"""An engine that is broken on purpose breaks the law, each construct of the catalogue taken in turn."""

from __future__ import annotations

import random

import pytest
from law_catalogue import CATALOGUE
from law_faults import FAULTS, broken
from law_not_yet import NOT_YET
from law_notebooks import of_construct

_AT_ONCE = 40


def _sketches():
    """The constructs of the standard library, which cost least, in an order of no meaning."""
    chosen = [one for one in CATALOGUE if one.name not in NOT_YET and not one.libraries]
    random.Random(8).shuffle(chosen)
    return [of_construct(one, parts) for one in chosen for parts in one.shapes().values()]


@pytest.mark.unmeasured
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_the_law(law, fault):
    sketches, tried = _sketches(), 0
    with broken(FAULTS[fault]):
        for start in range(0, len(sketches), _AT_ONCE):
            told = law.differences(sketches[start : start + _AT_ONCE])
            found = [place for place, how in enumerate(told) if how is not None]
            if found:
                first = sketches[start + found[0]]
                print(f"{fault}: {first.constructs} at notebook {start + found[0] + 1}")
                return
            tried += len(told)
    pytest.fail(f"{tried} notebooks, and none told of the fault")
