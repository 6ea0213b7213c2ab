"""What is said of a value that does not fit: where, and what may stand there."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from llm_repl_core import Budget, InvalidInput, Notebook, Session
from llm_repl_core.misfit import misfit


class _Inner(Struct):
    shape: Literal["round"] | None = None


class _Outer(Struct):
    name: Annotated[str, Meta(pattern=r"^\S+$")] = "a"
    colour: Literal["red", "blue"] = "red"
    width: Literal["all"] | tuple[int, ...] = "all"
    inner: _Inner | None = None
    many: list[_Inner] = []


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ({"name": "a b"}, "name", "expected a word"),
        ({"colour": "pink"}, "colour", "'pink' is not `blue` or `red`"),
        ({"width": "some"}, "width", "'some' is not `all` or a list"),
        ({"width": ["a"]}, "width[0]", "expected `int`, got `str`"),
        ({"inner": {"shape": "flat"}}, "inner.shape", "'flat' is not `round`"),
        ({"many": [{"shape": "flat"}]}, "many[0].shape", "'flat' is not `round`"),
        ([], "", "expected `object`, got `array`"),
    ],
)
def test_what_does_not_fit_is_told_with_what_does(value, path, reason):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, _Outer)
    assert misfit(caught.value, _Outer, {r"^\S+$": "a word"}) == (path, reason)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        # Taken as `live`, it would be paid for.
        ({"mode": "Replay"}, "`mode` is not usable: 'Replay' is not `live`, `replay` or `reuse`."),
        ({"concurrency": 0}, "`concurrency` is not usable: expected"),
        ({"items": ["first"]}, "`items[0]` is not usable: expected"),
        ({"budget": {"calls": 1}}, "such as `Budget(calls=3)`, not {'calls': 1}."),
        ({"budget": 0.5}, "such as `Budget(calls=3)`, not 0.5."),
    ],
)
@pytest.mark.parametrize("method", ["run", "stream", "check_prices", "plan"])
def test_options_of_a_run_are_checked(method, options, message):
    notebook = Notebook()
    cell = notebook.add_prompt("Hello", model="echo")
    with Session(notebook) as session:
        with pytest.raises(InvalidInput) as caught:
            list(getattr(session, method)(**options) or ())
        assert message in str(caught.value)
        assert not cell.outputs
        session.run(budget=Budget(calls=1), items=[0], parallel=1)
        assert cell.outputs[0].content == "Hello"
