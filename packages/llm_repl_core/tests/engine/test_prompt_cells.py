from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Delta, Notebook, Provider, RunCompleted, errors, hookimpl


def prompt(content, *codes, **options):
    notebook = Notebook()
    for code in codes:
        notebook.add_code(code)
    notebook.add_prompt(content, **{"model": "mock/echo", **options})
    return notebook


def test_the_template_is_filled_in_the_kernel(open_session, play, kernel):
    notebook = prompt(
        '{who}, {len(who):>3}, {who!r}, {{plain}}, {}, {"a": 1}', "who = 'wörld'", response_var="a"
    )
    session = open_session(notebook, kernel=kernel)
    assert isinstance(play(session)[-1], RunCompleted)
    expected = "wörld,   5, 'wörld', {plain}, {}, {\"a\": 1}"
    [output] = notebook.cells[-1].outputs
    assert output.type == "llm_response"
    assert output.fields["prompt"] == output.content == session.state["a"] == expected
    assert output.fields["response_var"] == "a"
    assert output.fields["provider"] == "mock"
    assert output.fields["finish_reason"] == "stop"
    assert output.fields["usage"]["output_tokens"] == len(expected.split())


def test_what_is_inserted_is_not_scanned_again(open_session, play):
    notebook = prompt("{text}", "text = '{1/0} {{x}}'")
    session = open_session(notebook)
    play(session)
    assert session.state["response_1"] == "{1/0} {{x}}"


def test_the_answer_has_its_names(open_session, play):
    notebook = Notebook()
    notebook.add_markdown("# Title")
    notebook.add_prompt("one", model="mock/echo")
    notebook.add_prompt("two", model="mock/echo", response_var="second")
    notebook.add_code("response_1, second, _")
    session = open_session(notebook)
    play(session)
    assert notebook.cells[3].outputs[0].content == "('one', 'two', 'two')"
    assert "response_2" not in session.state


def test_a_missing_name_is_told_with_those_that_exist(open_session, play):
    notebook = prompt("Sum up {sales}.", "sale = 1\nother = 2")
    events = play(open_session(notebook))
    assert events[-1].error == (
        "InvalidTemplate: `{sales}` at line 1: there is no variable `sales` (did you mean "
        "`sale`?); the state has: other, sale. For plain braces write `{{` and `}}`."
    )


@pytest.mark.parametrize(
    "code",
    sorted(
        one.code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.ProviderError)
    ),
)
def test_every_provider_error_becomes_an_output(open_session, play, code):
    notebook = prompt("x", model=f"mock/fail:{code}")
    session = open_session(notebook)
    play(session)
    [output] = notebook.cells[-1].outputs
    assert output.type == "error"
    error_class = getattr(errors, output.fields["ename"])
    assert error_class.code == code
    assert output.fields["traceback"] == []
    assert output.content.count("\n") == 0
    assert "response_0" not in session.state


def test_a_provider_that_is_not_there_is_told_with_those_that_are(open_session, play):
    events = play(open_session(prompt("x", provider="mok", model=None)))
    assert events[-1].error.startswith(
        "ProviderNotFound: There is no provider `mok`; installed are "
    )
    assert events[-1].error.endswith("Did you mean `mock`?")


def test_a_provider_that_cannot_be_made_is_named(open_session, play):
    class Broken(Provider):
        name = "broken"
        default_model = "broken"

        def __init__(self, config=None):
            raise RuntimeError("no licence")

        async def stream(self, request):
            yield Delta()

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Broken]

    events = play(open_session(prompt("x", provider="broken", model=None), Plugin()))
    assert events[-1].error == (
        "ProviderError: The provider `broken` cannot be used: RuntimeError: no licence"
    )


def test_a_plain_generator_is_a_provider_too(open_session, play):
    class Plain(Provider):
        name = "plain"
        default_model = "small"

        def stream(self, request):
            yield Delta(text=f"{request.model}: ")
            yield Delta(text=request.messages[-1].content, model="small-2")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Plain]

    notebook = prompt("hi", provider="plain", model=None)
    session = open_session(notebook, Plugin())
    play(session)
    assert session.state["response_0"] == "small: hi"
    assert notebook.cells[0].outputs[0].fields["model"] == "small-2"


def test_a_prompt_that_moved_is_called_by_its_new_place(open_session, play):
    notebook = prompt("x")
    session = open_session(notebook)
    play(session)
    notebook.insert(Notebook().add_markdown("# New"), 0)
    play(session)
    assert {"response_0", "response_1"} <= set(session.state)


def test_an_answer_is_kept_although_the_kernel_has_died(open_session, play, monkeypatch):
    notebook = prompt("paid for")
    session = open_session(notebook)

    async def die(values):
        await session.kernel.shutdown()
        raise errors.KernelDied("The kernel's process ended.")

    session.run()
    monkeypatch.setattr(session.kernel, "assign", die)
    events = play(session)
    assert events[-1].error == "KernelDied: The kernel's process ended."
    assert [output.type for output in notebook.cells[0].outputs] == ["llm_response", "error"]


def test_any_text_without_fields_is_sent_as_it_is(open_session):
    session = open_session(prompt("x"))
    cell = session.notebook.cells[0]

    texts = st.text(st.characters(exclude_characters="{}", codec="utf-8"), max_size=40)

    @given(texts.filter(str.strip))  # the mock says it again, and to say nothing is a failure
    def law(text):
        cell.change(content=text)
        session.run()
        assert cell.outputs[0].fields["prompt"] == text
        assert session.state["response_0"] == text

    law()
