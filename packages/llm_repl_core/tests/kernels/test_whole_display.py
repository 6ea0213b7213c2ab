"""The options of libraries while a text is made for a prompt, and behind it."""

from __future__ import annotations

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


def test_threads_take_turns():
    before = options()
    frame = pandas.DataFrame({"n": range(1000, 1100)})

    def show(_):
        text, notice = inserted_text(frame, 10_000)
        return [str(n) in text for n in range(1000, 1100)] == [True] * 100 and not notice

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(show, range(40)))
    assert options() == before


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
