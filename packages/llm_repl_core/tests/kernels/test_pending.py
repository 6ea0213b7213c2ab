from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.kernels.pending import PendingVariables

NAMES = ("a", "b")
ABSENT = object()

steps = st.lists(
    st.one_of(
        st.tuples(st.just("prompt"), st.sets(st.sampled_from(NAMES), min_size=1)),
        st.tuples(st.just("answer"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("set"), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    ),
    max_size=30,
)


@given(steps)
def test_in_the_end_the_state_is_as_if_every_prompt_had_been_answered_at_its_place(
    steps: list[tuple[Any, ...]],
) -> None:
    namespace: dict[str, Any] = {}
    pending = PendingVariables(namespace)
    # By name what its cells have written, in the order of the cells: (the step, the value).
    writes: dict[str, list[list[Any]]] = {name: [] for name in NAMES}
    open_prompts: dict[str, set[str]] = {}
    for number, (kind, *what) in enumerate(steps):
        token = f"token {number}"
        if kind == "prompt":
            pending.set_pending(sorted(what[0]), token, "why")
            open_prompts[token] = what[0]
            for name in what[0]:
                writes[name].append([token, ABSENT])
                assert name not in namespace
        elif kind == "answer" and open_prompts:
            token = sorted(open_prompts)[what[0] % len(open_prompts)]
            answer(pending, writes, open_prompts, token, is_answered=what[1])
        elif kind == "set":
            namespace[what[0]] = token
            writes[what[0]].append([None, token])
            pending.forget_set()
        elif kind == "delete" and what[0] in namespace:
            del namespace[what[0]]
            writes[what[0]].append([None, None])
            pending.forget_set()
        for name in NAMES:
            assert namespace.get(name) == seen_now(writes[name]), name
    for token in sorted(open_prompts):
        answer(pending, writes, open_prompts, token, is_answered=True)
    assert namespace == {
        name: value for name in NAMES if (value := seen_now(writes[name])) is not None
    }


def answer(
    pending: PendingVariables,
    writes: dict[str, list[list[Any]]],
    open_prompts: dict[str, set[str]],
    token: str,
    *,
    is_answered: bool,
) -> None:
    names = open_prompts.pop(token)
    pending.resolve({token: dict.fromkeys(names, token) if is_answered else None})
    for name in names:
        for write in writes[name]:
            if write[0] == token:
                write[:] = [None, token if is_answered else "failed"]


def seen_now(writes: list[list[Any]]) -> Any:
    """What a variable's cells leave: None where there is nothing, or nothing yet."""
    for token, value in reversed(writes):
        if token is not None:
            return None
        if value != "failed":
            return value
    return None


def test_only_errors_about_a_pending_variable_are_explained() -> None:
    namespace: dict[str, Any] = {"here": 1}
    pending = PendingVariables(namespace)
    pending.set_pending(["here", "answers"], "t", "It waits.")
    for text in (
        "name 'here' is not defined",
        "'answers'",
        "Table with name answers does not exist!",
    ):
        assert pending.explanation(text) == "It waits."
    for text in ("name 'her' is not defined", "answers", "name 'answers2' is not defined", ""):
        assert pending.explanation(text) == ""
    namespace["here"] = 2
    assert pending.explanation("name 'here' is not defined") == ""
    pending.resolve({"t": {"answers": 1}})
    assert pending.explanation("'answers'") == ""


def test_names_of_results_are_claimed_by_prompts_that_set_them() -> None:
    pending = PendingVariables({}, ["_"])
    pending.set_pending(["other"], "a", "why")
    assert not pending.results_are_claimed
    pending.set_pending(["_"], "b", "why")
    assert pending.results_are_claimed
    pending.resolve({"b": None})
    assert not pending.results_are_claimed
    pending.assign({"_": 1})
    assert pending.results_are_claimed
