"""In parallel, notebooks leave what they leave in order: over random notebooks, and with faults."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import hypothesis
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from llm_repl_core.engine import plan
from llm_repl_core.kernels.worker import WorkerKernel


def helper(name):
    """A module of the folder beside this file."""
    path = Path(__file__).parent / "notebooks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"engine_notebooks_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


Law = helper("schedule_law").Law
drawn = helper("schedule_sketches")

# The same notebooks each time, so that a run of the tests says the same as the one before.
FIXED = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def law():
    law = Law(drawn.WORLD)
    yield law
    law.close()


@pytest.mark.one_python
@pytest.mark.unmeasured
@pytest.mark.parametrize("part", range(2))
def test_in_parallel_a_notebook_leaves_what_it_leaves_in_order(law, part):
    """Four hundred notebooks, in parts that end in time where the machine is busy."""

    @seed(part)
    @settings(FIXED, derandomize=False, max_examples=200)
    @given(sketch=drawn.sketches(), stop_on_error=st.booleans())
    def hold(sketch, stop_on_error):
        assert law.difference(sketch, stop_on_error=stop_on_error) is None

    hold()


@settings(FIXED, max_examples=60, phases=[Phase.generate])
@given(sketch=drawn.sketches())
def test_with_a_kernel_of_its_own_process_too(law, zygote, sketch):
    def kernel():
        return WorkerKernel(law.application.kernel_options(), zygote=zygote)

    assert law.difference(sketch.with_world(), stop_on_error=False, kernel=kernel) is None


# Faults ------------------------------------------------------------------------------------------


def found_at(law, most=500):
    """How many notebooks it takes until the law is seen to be broken; None: it is not."""
    tried = 0

    @settings(FIXED, max_examples=most, phases=[Phase.generate], report_multiple_bugs=False)
    @given(sketch=drawn.sketches())
    def look(sketch):
        nonlocal tried
        tried += 1
        assert law.difference(sketch, stop_on_error=False) is None

    try:
        look()
    except (AssertionError, hypothesis.errors.Flaky):
        return tried
    return None


FAULTS = {
    # What is bound, or reached by other names, may be missed: the order is that of the document.
    "a missed read": lambda one: {"reads": one.reads - {"p", "q", "r"}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_analysis_breaks_the_law(law, monkeypatch, fault):
    analyse = plan.analyse_cell

    def faulty(cell, variable=None, system=None):
        found = analyse(cell, variable, system)
        # A name that no cell at all sets would be a barrier.
        missed = {} if cell.id == "c0" and "write" in fault else FAULTS[fault](found)
        return msgspec.structs.replace(found, **missed)

    monkeypatch.setattr(plan, "analyse_cell", faulty)
    tried = found_at(law)
    print(f"{fault}: seen at notebook number {tried}")
    assert tried is not None
