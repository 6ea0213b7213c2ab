"""The law's own modules can be imported by its tests, and each process has one `Law`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def law():
    from law_check import Law

    with Law() as law:
        yield law
