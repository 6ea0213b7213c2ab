"""What may be typed next, and what a function takes: of any state, and of any text."""

from __future__ import annotations

import asyncio
import sys
import time
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.kernels import views
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.inspection import completion, summaries
from llm_repl_core.kernels.inspection.completion import complete_code, inspect_code
from llm_repl_core.kernels.inspection.typed import typed_completions
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.testing.kernel_suite import run_cell

LIMIT_S = 60.0


@pytest.fixture(autouse=True, scope="module")
def _as_long_as_it_takes():
    """On a busy machine, too, what is asked for is there, unless a test is about the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completion, "_CODE_TIMEOUT_S", LIMIT_S / 2)
        patch.setattr(summaries, "_VALUE_TIMEOUT_S", LIMIT_S / 2)
        yield


class Order:
    """What a customer wants."""

    def __init__(self) -> None:
        self.sku = "TIN-1"

    def send(self, address: str, *, fast: bool = False) -> None:
        """Sends it."""

    @property
    def price(self) -> float:
        raise KeyError("never read")


def add(first: int, second: str = "a") -> None:
    """Adds."""


def matches(namespace: dict[str, Any], code: str, cursor: int | None = None) -> dict[str, str]:
    place = len(code) if cursor is None else cursor
    found = complete_code(namespace, code, place)["matches"]
    return {match["text"]: match["type"] for match in found}


STATE: dict[str, Any] = {
    "greeting": "Moin",
    "größe": 3,
    "order": Order(),
    "orders": {"alpha": 1, "beta": 2, 7: 3},
    "add": add,
    "Order": Order,
    "types": types,
}

# Completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "start", "expected"),
    [
        ("gree", 0, {"greeting": "variable"}),
        ("grö", 0, {"größe": "variable"}),
        ("x = 1\n(1 + gree", 11, {"greeting": "variable"}),
        ("order.pr", 6, {"price": "attribute"}),
        ("greeting.up", 9, {"upper": "attribute"}),
        ("orders['al", 8, {"alpha": "key"}),
        ('orders["', 8, {"alpha": "key", "beta": "key"}),
        ("add(fi", 4, {"first=": "parameter", "filter": "class", "finally": "keyword"}),
        ("Ord", 0, {"Order": "class"}),
        ("typ", 0, {"type": "class", "types": "module"}),
        ("prin", 0, {"print": "function"}),
        ("whi", 0, {"while": "keyword"}),
        # What the text says is known before it has run.
        ("def f(an_amount):\n    return an_a", 29, {"an_amount": "variable"}),
        ("import json\njson.dum", 17, {"dump": "attribute", "dumps": "attribute"}),
        ("import json as j\nj.loads", 19, {"loads": "attribute"}),
        ("from json import dumps as written\nwritt", 34, {"written": "function"}),
        ("import os.path\nos.path.isab", 23, {"isabs": "attribute"}),
        # Within a text, of what is no name, and of nothing.
        ("x = 'gree", 5, {}),
        ("12.", 3, {}),
        ("nothing.", 8, {}),
        ("   ", 3, {}),
        ("unclosed((( 'a'].b", 17, {}),
    ],
)
def test_what_may_be_typed_and_where_it_begins(code, start, expected):
    found = complete_code(STATE, code, len(code))
    assert (found["start"], found["end"]) == (start, len(code))
    assert {match["text"]: match["type"] for match in found["matches"]} == expected


def test_paths_are_offered_within_a_text(tmp_path):
    (tmp_path / "orders.csv").write_text("")
    code = f"open('{tmp_path}/ord"
    assert matches({}, code) == {"orders.csv": "path"}
    assert complete_code({}, code, len(code))["start"] == len(code) - 3


def test_magics_are_those_of_a_shell_and_there_is_none():
    assert matches(STATE, "%ti") == {}
    assert matches(STATE, "%%") == {}


def test_a_cursor_within_the_text_sees_what_stands_before_it():
    code = "a = gree + 1\nrest"
    assert matches(STATE, code, 8) == {"greeting": "variable"}
    assert complete_code(STATE, "greeting", 3)["end"] == 3


@pytest.mark.parametrize("function", [complete_code, inspect_code])
@pytest.mark.parametrize(("cursor", "place"), [(100, 4), (5, 4), (-1, 0), (-5, 0)])
def test_a_cursor_outside_of_the_text_is_at_its_nearer_end(function, cursor, place):
    assert function(STATE, "grös", cursor) == function(STATE, "grös", place)


def test_no_more_is_listed_than_an_editor_shows_and_nothing_that_is_too_long():
    many = {f"name_{number}": number for number in range(1000)}
    assert len(matches(many, "name_")) == 200
    assert set(matches({"name": 1, "name" + "x" * 600: 2}, "nam")) == {"name"}


class RaisesWhenListed:
    def __dir__(self):
        raise SystemExit

    def __getattr__(self, name):
        raise RuntimeError


class HasNoClass:
    @property
    def __class__(self):
        raise RuntimeError


class NamesAnything:
    def __init__(self):
        for name in ("fine", "\ud800", "x" * 600):
            setattr(self, name, 1)


def test_hostile_objects_take_nothing_from_the_others(capfd):
    state = {
        "raising": RaisesWhenListed(),
        "raised": 1,
        "none": HasNoClass(),
        "odd": NamesAnything(),
    }
    assert matches(state, "rais") == {
        "raising": "variable",
        "raised": "variable",
        "raise": "keyword",
    }
    assert matches(state, "non") == {"none": "variable", "nonlocal": "keyword"}
    assert matches(state, "raising.") == {}
    assert matches(state, "odd.") == {"fine": "attribute"}
    assert inspect_code(state, "raising.price", 13) == {}
    # IPython prints a traceback where something raises, into whatever a program shows.
    assert matches(state, " ") == {}
    assert capfd.readouterr() == ("", "")


def test_what_takes_long_is_given_up(monkeypatch):
    monkeypatch.setattr(completion, "_CODE_TIMEOUT_S", 0.05)

    class Slow:
        def __dir__(self):
            time.sleep(LIMIT_S)
            return ["never"]

        @property
        def price(self):
            time.sleep(LIMIT_S)

    state = {"slow": Slow()}
    began = time.monotonic()
    assert matches(state, "slow.") == {}
    assert inspect_code(state, "slow.price", 10) == {}
    assert time.monotonic() - began < LIMIT_S


def test_who_stops_the_process_stops_it(monkeypatch):
    class Stopped:
        @property
        def price(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_code({"stopped": Stopped()}, "stopped.price", 13)


def test_what_stands_for_a_module_is_none(monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError("it would be loaded")

    lazy = Lazy("lazy")
    monkeypatch.setitem(sys.modules, "withheld", None)
    monkeypatch.setitem(sys.modules, "something", object())
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    for line in (
        "import withheld, something",
        "from withheld import withdrawal",
        "from something import withdrawal",
        "from lazy import withdrawal",
        "from . import withdrawal",
        "from nowhere import withdrawal",
        "from types import withdrawal",
        "import",
        "import (",
        "import withheld; import something",
        "import a\x00",
    ):
        assert inspect_code({}, f"{line}\nwithdrawal", len(line) + 11) == {}
        assert "with" in matches({}, f"{line}\nwit")
    assert matches({}, "import lazy\nlaz") == {"lazy": "module"}
    assert inspect_code({}, "import withheld\nwithheld", 24) == {}


def test_names_of_the_state_are_not_replaced_by_what_a_line_would_import():
    assert matches({"json": {"alpha": 1}}, "import json\njson['al") == {"alpha": "key"}


# Signatures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "parameter"),
    [
        ("add(", "add", 0),
        ("add(1, ", "add", 1),
        ("add(\n    [1, 2], ", "add", 1),
        ("add({1: (2, 3)}, ", "add", 1),
        ("print(add(1), ", "print", 1),
        ("print(add(1, ", "add", 1),
        ("print(nothing(1, ", "print", 0),
        ("print([add, ", "print", 0),
        ("if (add(", "add", 0),
        ("order.send(", "order.send", 0),
        # Within texts and notes stand no arguments.
        ("add('a, b (', ", "add", 1),
        ('add("it\'s, ", ', "add", 1),
        ("add('\\', ', ", "add", 1),
        ("add('''a, 'b', ''', ", "add", 1),
        ("add('a, b", "add", 0),
        ("add(1,  # first, then (\n", "add", 1),
        ("text = 'it is (\nadd(1, ", "add", 1),
        # The name that the cursor is on, before the call around it.
        ("add", "add", None),
        ("print(add", "print", 0),
    ],
)
def test_which_function_is_called_and_which_argument_is_typed(code, name, parameter):
    told = inspect_code(STATE, code, len(code))
    assert (told["name"], told["parameter"]) == (name, parameter)


def test_the_name_that_the_cursor_is_in_comes_first():
    assert inspect_code(STATE, "print(add)", 7)["name"] == "add"
    assert inspect_code(STATE, "print(add)", 9)["name"] == "print"
    assert inspect_code(STATE, "print(add)", 2)["name"] == "print"


@pytest.mark.parametrize(
    "code",
    ["", "(", ")", "if (", "not(", "None", "nothing", "nothing(", "order.nothing(", "order.price",
     "orders['alpha']", "'a'.join", "f().open(", "\ud800", "1.5", "add (", "print(1)"],
)  # fmt: skip
def test_where_there_is_nothing_to_tell(code):
    assert inspect_code(STATE, code, len(code)) == {}


def test_what_is_told_of_functions_classes_modules_and_values():
    def told(name: str) -> dict[str, Any]:
        return inspect_code(STATE, name, len(name))

    assert told("add") == {
        "name": "add",
        "parameter": None,
        "signature": "(first: 'int', second: 'str' = 'a') -> 'None'",
        "documentation": "Adds.",
        "type_name": "function",
        "text": "add(first: 'int', second: 'str' = 'a') -> 'None'",
    }
    method = told("order.send")
    assert method["signature"] == "(address: 'str', *, fast: 'bool' = False) -> 'None'"
    assert method["documentation"] == "Sends it."
    assert told("Order")["documentation"] == "What a customer wants."
    assert told("types")["documentation"].startswith("Define names for built-in types")
    # The class's docstring says nothing about a value.
    assert (told("order")["documentation"], told("order")["signature"]) == ("", "")
    assert (told("greeting")["documentation"], told("greeting")["text"]) == ("", "'Moin'")
    assert told("größe")["text"] == "3"
    assert told("dict")["signature"] == "(…)"


def test_a_cell_s_own_imports_are_known_before_it_has_run():
    code = "from json import dumps\ndumps("
    assert inspect_code({}, code, len(code))["signature"].startswith("(obj, *")


def test_what_is_told_is_bounded():
    def long(argument=10**1500): ...

    long.__doc__ = "word " * 5000
    told = inspect_code({"long": long}, "long", 4)
    assert len(told["documentation"]) == 4000
    assert len(told["signature"]) == 1000


TYPED = st.lists(
    st.sampled_from(
        ["add", "(", ")", "[", "]", "{", ",", ".", "'", '"', "\\", "\n", " ", "#", "order", "import ",
         "'''", '"""', "%", "lambda", "=", "ö", "\ud800", "1", "from types import ", "\x00"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=60)
@given(TYPED, st.integers(-2, 40))
def test_any_text_is_answered_for_any_place(code, cursor):
    found = complete_code(STATE, code, cursor)
    assert 0 <= found["start"] <= found["end"] <= len(code)
    assert set(inspect_code(STATE, code, cursor)) in (
        set(),
        {"name", "parameter", "signature", "documentation", "type_name", "text"},
    )


# Without a state -----------------------------------------------------------------------------


def test_completions_from_the_text_alone():
    code = "def total(amount, amounts):\n    return amo"
    found = typed_completions(code, len(code), ["amount_due", "other"])
    assert found == {
        "start": len(code) - 3,
        "end": len(code),
        "matches": [
            {"text": text, "type": "variable"} for text in ("amount_due", "amount", "amounts")
        ],
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("whi", {"while": "keyword"}),
        ("isin", {"isinstance": "function"}),
        ("KeyE", {"KeyError": "class"}),
        ("__imp", {}),
        ("order.amo", {}),
        ("'amo", {}),
        ("%amo", {}),
        ("1 + ", {}),
    ],
)
def test_python_s_own_names_and_what_is_no_name(code, expected):
    found: Any = typed_completions(code, len(code), ["amount"])
    assert {match["text"]: match["type"] for match in found["matches"]} == expected


def test_many_names_are_cut():
    found: Any = typed_completions("na", 2, [f"name_{number}" for number in range(1000)])
    assert len(found["matches"]) == 200


# In kernels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [InProcessKernel, WorkerKernel, JupyterKernel])
def test_every_kernel_completes_and_tells(kind: type[Kernel]) -> None:
    if kind is JupyterKernel:
        pytest.importorskip("ipykernel")
    code = """
class Order:
    def send(self, address, fast=False):
        "Sends it."
order, orders = Order(), {"alpha": 1}
class HasNoClass:
    __class__ = property(lambda self: 1 / 0)
orderless = HasNoClass()
import sys
from llm_repl_core.kernels.inspection import completion
# As above, here: of a Jupyter kernel all of it is one module.
sys.modules.get("_llm_repl_helpers", completion)._CODE_TIMEOUT_S = 30
"""

    async def check() -> None:
        kernel = kind()
        await kernel.start()
        try:
            assert await run_cell(kernel, code) == []
            found = await views.complete(kernel, "x = order.se", 12)
            assert (found.start, found.end) == (10, 12)
            assert found.matches == [views.Completion("send", "attribute")]
            found = await views.complete(kernel, "orders['", 8)
            assert found.matches == [views.Completion("alpha", "key")]
            names = {match.text for match in (await views.complete(kernel, "order", 5)).matches}
            assert names == {"order", "orderless", "orders"}
            told = await views.inspect(kernel, "order.send(1, ", 14)
            assert (told.signature, told.parameter) == ("(address, fast=False)", 1)
            assert told.documentation == "Sends it."
            assert (await views.inspect(kernel, "nothing(", 8)) == views.Inspected()
            # Nothing of it was left in the state.
            assert await run_cell(kernel, "assert '_llm_repl_asked' not in globals()") == []
            found = await views.complete(kernel, "%timei", 6)
            magics = {"%" + match.text for match in found.matches}
            assert magics == (set() if kind is InProcessKernel else {"%timeit", "%%timeit"})
        finally:
            await kernel.shutdown()

    asyncio.run(asyncio.wait_for(check(), LIMIT_S))
