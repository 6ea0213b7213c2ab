from __future__ import annotations

import contextlib
import logging

import msgspec
import pytest

from llm_repl_core import (
    CellExecutionError,
    Forbidden,
    Notebook,
    Output,
    RunCompleted,
    hookimpl,
)

HOOKS = [
    f"{when}_{what}" for when in ("before", "around", "after") for what in ("run", "cell", "call")
]


def recorder(log, mark=""):
    """A plugin that notes every hook in ``log``."""

    class Recorder:
        pass

    def note(name):
        if name.startswith("around"):

            @contextlib.asynccontextmanager
            async def hook(self, context):
                log.append((mark, "enter", name))
                yield
                log.append((mark, "leave", name))

        elif name.startswith("after"):

            def hook(self, context, result):
                log.append((mark, name, result.error))

        else:

            def hook(self, context):
                log.append((mark, name, None))

        setattr(Recorder, f"llm_repl_{name}", hookimpl(hook))

    for name in HOOKS:
        note(name)
    return Recorder()


def plugin_with(name, function):
    return type("Plugin", (), {f"llm_repl_{name}": hookimpl(function)})()


def prompt_notebook(content="hello", **options):
    notebook = Notebook()
    notebook.add_prompt(content, **{"model": "mock/echo", **options})
    return notebook


def test_hooks_are_called_around_each_other(open_session, play):
    log = []
    play(open_session(prompt_notebook(), recorder(log)))
    assert log == [
        ("", "before_run", None),
        ("", "enter", "around_run"),
        ("", "before_cell", None),
        ("", "enter", "around_cell"),
        ("", "before_call", None),
        ("", "enter", "around_call"),
        ("", "after_call", None),
        ("", "leave", "around_call"),
        ("", "leave", "around_cell"),
        ("", "after_cell", None),
        ("", "leave", "around_run"),
        ("", "after_run", None),
    ]


def test_plugins_are_called_in_the_order_of_registration(open_session, play):
    log = []
    play(open_session(["1"], recorder(log, "a"), recorder(log, "b")))
    cell = [entry for entry in log if "cell" in str(entry)]
    assert [(mark, *rest) for mark, *rest in cell] == [
        ("a", "before_cell", None),
        ("b", "before_cell", None),
        ("a", "enter", "around_cell"),
        ("b", "enter", "around_cell"),
        ("b", "leave", "around_cell"),
        ("a", "leave", "around_cell"),
        ("a", "after_cell", None),
        ("b", "after_cell", None),
    ]


def test_what_hooks_are_told(open_session, play):
    told = {}

    class Plugin:
        @hookimpl
        def llm_repl_after_run(self, context, result):
            told["run"] = (context, result)

        @hookimpl
        def llm_repl_after_cell(self, context, result):
            told["cell"] = (context, result)

        @hookimpl
        def llm_repl_after_call(self, result, context):  # by name, in any order
            told["call"] = (context, result)

    notebook = prompt_notebook("one two", temperature=0.5)
    events = play(open_session(notebook, Plugin()))
    run_context, run_result = told["run"]
    assert run_context.notebook is notebook
    assert run_context.run_id == events[0].run_id
    assert run_context.cell_ids == (notebook.cells[0].id,)
    assert (run_result.error, run_result.cell_id) == (None, None)
    cell_context, cell_result = told["cell"]
    assert cell_context.cell is notebook.cells[0]
    assert list(cell_result.outputs) == notebook.cells[0].outputs
    call_context, call_result = told["call"]
    assert call_context.provider == "mock"
    assert call_context.request.model == "echo"
    assert call_context.request.temperature == 0.5
    assert call_result.text == "one two"
    assert call_result.usage.output_tokens == 2
    with pytest.raises(AttributeError):
        cell_context.cell = None


def test_before_call_may_replace_the_request(open_session, play):
    def shout(self, context):
        [message] = context.request.messages
        louder = msgspec.structs.replace(message, content=message.content.upper())
        return msgspec.structs.replace(context.request, messages=(louder,))

    def ask(self, context):
        [message] = context.request.messages
        more = msgspec.structs.replace(message, content=message.content + "?")
        return msgspec.structs.replace(context.request, messages=(more,))

    notebook = prompt_notebook("hello")
    session = open_session(
        notebook, plugin_with("before_call", shout), plugin_with("before_call", ask)
    )
    play(session)
    assert session.state["response_0"] == "HELLO?"


def test_before_call_must_give_a_request(open_session, play):
    plugin = plugin_with("before_call", lambda self, context: "please")
    events = play(open_session(prompt_notebook(), plugin))
    assert events[-1].error == (
        "PluginError: A plugin's llm_repl_before_call returned a str: "
        "it must return a Request, or None."
    )


@pytest.mark.parametrize("name", ["before_run", "before_cell", "before_call"])
def test_a_hook_may_refuse_with_a_sentence(open_session, play, name):
    def refuse(self, context):
        raise Forbidden("Not on a Sunday.")

    log = []
    notebook = prompt_notebook()
    events = play(open_session(notebook, plugin_with(name, refuse), recorder(log)))
    if name == "before_run":
        assert events[-1].error == "Not on a Sunday."
        assert events[-1].cell_id is None
        assert notebook.cells[0].status == "idle"
    else:
        assert events[-1].error == "Forbidden: Not on a Sunday."
        assert notebook.cells[0].outputs == [Output.error("Forbidden", "Not on a Sunday.")]
    assert log[-1] == ("", "after_run", events[-1].error)


@contextlib.asynccontextmanager
async def failing_entry(self, context):
    raise ValueError("out of order")
    yield


@contextlib.asynccontextmanager
async def failing_exit(self, context):
    yield
    raise ValueError("out of order")


def failing_call(self, context):
    raise ValueError("out of order")


def exiting(self, context):
    raise SystemExit(1)


@pytest.mark.parametrize("what", ["run", "cell", "call"])
@pytest.mark.parametrize(
    ("when", "function"),
    [
        ("before", failing_call),
        ("before", exiting),
        ("around", failing_call),
        ("around", failing_entry),
        ("around", failing_exit),
        ("around", exiting),
        ("around", lambda self, context: None),
    ],
)
def test_a_plugin_that_fails_is_named(open_session, play, when, what, function):
    session = open_session(prompt_notebook(), plugin_with(f"{when}_{what}", function))
    error = play(session)[-1].error
    assert f"The plugin `plugin-0` failed in llm_repl_{when}_{what}: " in error
    assert error.endswith(".")
    assert "\n" not in error
    assert not session.live.busy


@pytest.mark.parametrize("what", ["run", "cell", "call"])
def test_what_fails_after_the_end_is_only_logged(open_session, play, caplog, what):
    log = []

    session = open_session(
        prompt_notebook(), plugin_with(f"after_{what}", failing_call), recorder(log)
    )
    assert isinstance(play(session)[-1], RunCompleted)
    assert f"plugin plugin-0 failed in llm_repl_after_{what}" in caplog.text
    assert log[-1] == ("", "after_run", None)


@pytest.mark.parametrize("what", ["run", "cell", "call"])
def test_a_plugin_cannot_hide_a_failure(open_session, play, what):
    @contextlib.asynccontextmanager
    async def swallow(self, context):
        with contextlib.suppress(BaseException):
            yield

    notebook = prompt_notebook(model="mock/fail:rate_limited")
    events = play(open_session(notebook, plugin_with(f"around_{what}", swallow)))
    assert events[-1].error.startswith("RateLimited: ")


def test_a_failure_is_seen_by_what_goes_around(open_session, play):
    seen = []

    @contextlib.asynccontextmanager
    async def watch(self, context):
        try:
            yield
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    notebook = prompt_notebook(model="mock/fail:rate_limited")
    events = play(
        open_session(notebook, *(plugin_with(f"around_{what}", watch) for what in ("cell", "call")))
    )
    assert seen == ["RateLimited", "RateLimited"]
    assert events[-1].error.startswith("RateLimited: ")


def test_a_failed_call_is_told(open_session, play):
    log = []
    play(open_session(prompt_notebook(model="mock/fail:rate_limited"), recorder(log)))
    [call] = [entry for entry in log if entry[1] == "after_call"]
    assert "fail: rate_limited" in call[2]


def test_a_hook_that_would_wait_for_the_engine_is_told_so(open_session):
    sessions = []

    def wait(self, context):
        sessions[0].interrupt()

    sessions.append(open_session(["1"], plugin_with("before_cell", wait)))
    with pytest.raises(CellExecutionError, match="This would wait for itself"):
        sessions[0].run()


def test_a_plugin_that_fails_does_not_stop_later_runs(open_session, play, caplog):
    fail = [True]

    def sometimes(self, context):
        if fail:
            raise RuntimeError("now")

    session = open_session(["x = 1"], plugin_with("before_run", sometimes))
    with caplog.at_level(logging.CRITICAL):
        play(session)
    fail.clear()
    assert isinstance(play(session)[-1], RunCompleted)
