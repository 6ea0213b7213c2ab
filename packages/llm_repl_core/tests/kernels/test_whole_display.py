"""The options of libraries while a text is made for a prompt, and behind it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_repl_core.kernels.inserted import insert, inserted_text
from llm_repl_core.kernels.whole_display import options_of_user, whole_display

pandas = pytest.importorskip("pandas")
numpy = pytest.importorskip("numpy")

NAMES = ("max_rows", "min_rows", "max_columns", "max_colwidth", "max_seq_items", "width")


def options():
    return (
        [pandas.get_option(f"display.{name}") for name in NAMES],
        numpy.get_printoptions(),
        numpy.ma.MaskedArray._print_width,
    )


@pytest.fixture(autouse=True)
def _defaults():
    with pandas.option_context("display.max_rows", 60, "display.max_columns", 20):
        yield


def test_they_are_as_before_behind_it():
    before = options()
    with whole_display():
        assert options() != before
        with whole_display(), whole_display(forced=True):
            assert pandas.get_option("display.max_columns") > 1000
        assert options_of_user() == []
    assert options() == before
    with pytest.raises(KeyboardInterrupt), whole_display(forced=True):
        raise KeyboardInterrupt
    assert options() == before


def test_what_is_set_within_stays():
    with whole_display():
        pandas.set_option("display.max_rows", 12)
    assert pandas.get_option("display.max_rows") == 12
    with whole_display():
        assert pandas.get_option("display.max_rows") == 12
        assert options_of_user() == ["pandas's `display.max_rows` is 12"]


NUMBERS = [1.123456789, -2e-7, 30.5, float("nan"), float("inf")]
ARRAY_OPTIONS = [
    {"formatter": {"float": "<{:.1f}>".format}},
    {"formatter": {"float_kind": "{:+.3e}".format}, "precision": 2},
    {"override_repr": lambda array: f"<{array.size} numbers>"},
    {"precision": 2},
    {"suppress": True},
    {"sign": "+"},
    {"sign": " "},
    {"floatmode": "fixed"},
    {"nanstr": "none", "infstr": "endless"},
    {"linewidth": 30},
    {"legacy": "1.13"},
    {"legacy": "1.21"},
]
FRAME_OPTIONS = [
    ("precision", 2),
    ("float_format", "{:.1f}".format),
    ("chop_threshold", 0.01),
    ("colheader_justify", "left"),
    ("show_dimensions", True),
    ("expand_frame_repr", False),
    ("width", 40),
]


@pytest.mark.parametrize("options", ARRAY_OPTIONS, ids=" ".join)
def test_how_arrays_are_shown_is_the_users(options):
    if "override_repr" in options and "override_repr" not in numpy.get_printoptions():
        pytest.skip("This numpy has no such option.")
    small, large = numpy.array(NUMBERS), numpy.linspace(0, 1, 3000)
    with numpy.printoptions(**options):
        set_by_user = numpy.get_printoptions()
        with numpy.printoptions(**options, threshold=10_000):
            whole = [f"{value}" for value in (small, [small], large)]
        for value, text in zip((small, [small], large), whole, strict=True):
            assert inserted_text(value, 1_000_000) == (text, "")
            assert numpy.get_printoptions() == set_by_user
        with whole_display(forced=True):
            assert str(small) == whole[0]
        assert numpy.get_printoptions() == set_by_user


@pytest.mark.parametrize(("name", "value"), FRAME_OPTIONS)
def test_how_frames_are_shown_is_the_users(name, value):
    frame = pandas.DataFrame({"a": NUMBERS, "b": [*"abcde"]})
    with pandas.option_context(f"display.{name}", value):
        for one in (frame, frame["a"]):
            assert inserted_text(one, 100_000) == (str(one), "")
            assert pandas.get_option(f"display.{name}") == value


def shows_hundred_rows(_=None):
    text, notice = inserted_text(pandas.DataFrame({"n": range(1000, 1100)}), 10_000)
    return all(str(n) in text for n in range(1000, 1100)) and not notice


def test_threads_show_values_whole_together():
    before = options()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(shows_hundred_rows, range(40)))
    assert options() == before


@pytest.mark.parametrize("leaves_first", [True, False])
def test_who_comes_later_needs_nobody_to_leave(leaves_first):
    """However long another thread shows its values, before and after it leaves."""
    before = options()
    is_within, may_leave = threading.Event(), threading.Event()

    def hold():
        with whole_display():
            is_within.set()
            may_leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_within.wait(30)
        assert shows_hundred_rows()
        with whole_display():
            if leaves_first:
                may_leave.set()
                holder.join()
            assert shows_hundred_rows()
            assert len(str(numpy.arange(2000))) > 5000
    finally:
        may_leave.set()
        holder.join()
    assert options() == before


def test_who_forces_the_options_is_alone():
    """Two at once, each within its own share, and others that show what the user wants to see."""
    with pandas.option_context("display.max_rows", 8):
        before = options()
        frame = pandas.DataFrame({"n": range(1000, 1100)})

        def show(forces):
            if not forces:
                return str(frame).count("\n") < 12
            with whole_display(), whole_display(forced=True):
                return str(frame).count("\n") >= 100

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(show, [True] * 40))
        with ThreadPoolExecutor(8) as pool:
            texts = pool.map(lambda _: inserted_text(frame, 10_000), range(40))
            assert {(text.count("\n") < 12, notice[:14]) for text, notice in texts} == {
                (True, "is abbreviated")
            }
        assert show(False)
        assert options() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_fork_waits_for_none_of_the_threads_that_stay_behind():
    is_within, may_leave = threading.Event(), threading.Event()

    def hold():
        with whole_display(forced=True):
            is_within.set()
            may_leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_within.wait(30)
        process = os.fork()
        if process == 0:
            os._exit(0 if shows_hundred_rows() else 1)
        assert os.waitpid(process, 0)[1] == 0
    finally:
        may_leave.set()
        holder.join()


def test_a_thread_that_hangs_holds_up_nobody():
    begun, go_on = threading.Event(), threading.Event()

    def hang():
        begun.set()
        go_on.wait(30)

    thread = threading.Thread(target=insert, args=(hang, None, str, 1000, "hang()"))
    thread.start()
    try:
        assert begun.wait(30)
        assert insert(lambda: 5, None, str, 1000, "5") == ["5", ""]
    finally:
        go_on.set()
        thread.join()


@pytest.mark.parametrize(
    ("value", "conversion", "spec", "text"),
    [
        (3.14159, None, ".2f", "3.14"),
        ("a", "r", ">5", "  'a'"),
        ("ü", "a", "", "'\\xfc'"),
        ([1, "a"], "s", "", "[1, 'a']"),
        (None, None, "", "None"),
        (True, None, "d", "1"),
        ("\ud800", None, "", "\\ud800"),
    ],
)
def test_conversions_and_specs_keep_pythons_meaning(value, conversion, spec, text):
    assert insert(lambda: value, conversion, lambda: spec, 1000, "x") == [text, ""]


def test_containers_that_hold_themselves():
    loop = [1]
    loop.append(loop)
    assert inserted_text(loop, 1000)[0] == "[1, [...]]"
    deep = []
    for _ in range(200):
        deep = [deep]
    assert inserted_text(deep, 1000)[0] == "[" * 201 + "]" * 201


@pytest.mark.parametrize("limit", [100, 101, 1000])
def test_the_limit_holds_whatever_the_value(limit):
    frame = pandas.DataFrame(numpy.arange(60_000).reshape(200, 300))
    values = [frame, frame[0], frame.to_numpy(), list(range(10_000)), {"a": [frame]}, b"x" * 10_000]
    for value in values:
        text, notice = inserted_text(value, limit)
        assert len(text) <= limit
        assert notice
