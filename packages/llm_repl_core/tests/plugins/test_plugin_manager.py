from __future__ import annotations

import contextlib

import pytest

from llm_repl_core import Conflict, PluginError, PluginManager, hookimpl
from llm_repl_core.plugins import hookspecs
from llm_repl_core.plugins.manager import PluginFailure, PluginInfo


def plugin(**hooks):
    """An object with hooks of these names."""
    functions = {
        name: function if getattr(function, "llm_repl_impl", None) else hookimpl(function)
        for name, function in hooks.items()
    }
    return type("Plugin", (), functions)()


def manager_with(*plugins):
    manager = PluginManager()
    for number, one in enumerate(plugins):
        manager.register(one, f"p{number}")
    return manager


def thing(name):
    return type(name, (), {"name": name})


def brings(*things):
    return plugin(llm_repl_providers=lambda self: list(things))


def collect(manager, **options):
    return manager.collect("llm_repl_providers", lambda one: one.name, **options)


def test_a_plugin_is_registered_with_what_is_known_of_it():
    manager = manager_with(brings())
    info = PluginInfo("named", "llm-repl-named", "1.0")
    manager.register(brings(), "named", info=info)
    assert manager.plugins() == [PluginInfo("p0"), info]
    assert manager.failures == []
    assert manager.hook.llm_repl_providers() == [[], []]


def test_two_managers_share_nothing():
    assert manager_with(brings()).plugins() != PluginManager().plugins()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (plugin(llm_repl_no_such_hook=lambda self: None), "llm_repl_no_such_hook"),
        (plugin(llm_repl_before_run=lambda self, contxt: None), "contxt"),
        (plugin(llm_repl_providers=lambda self, more: None), "more"),
    ],
)
def test_a_wrong_hook_is_a_failure_of_its_plugin(bad, words):
    manager = manager_with(bad, brings(thing("a")))
    [failure] = manager.failures
    assert failure.name == "p0"
    assert failure.distribution is None
    assert words in failure.error
    assert "\n" not in failure.error
    assert [info.name for info in manager.plugins()] == ["p1"]
    assert list(collect(manager)) == ["a"]
    assert manager.implementations("llm_repl_before_run") == []


def test_a_wrapper_is_refused():
    class Wrapper:
        @hookimpl(wrapper=True)
        def llm_repl_before_run(self, context):
            yield

    [failure] = manager_with(Wrapper()).failures
    assert "llm_repl_before_run is marked as a wrapper" in failure.error


def test_an_object_that_cannot_be_looked_at_is_a_failure():
    class Odd:
        @property
        def llm_repl_providers(self):
            raise RuntimeError("do not look")

    manager = manager_with(Odd(), brings(thing("a")))
    assert list(collect(manager)) == ["a"]


def test_a_name_is_taken_once():
    manager = PluginManager()
    manager.register(brings(thing("a")), "same")
    manager.register(brings(thing("b")), "same")
    assert [failure.name for failure in manager.failures] == ["same"]
    assert list(collect(manager)) == ["a"]
    assert len(manager.plugins()) == 1


def test_what_is_brought_is_collected_by_name():
    a, b, c = thing("a"), thing("b"), thing("c")
    assert collect(manager_with(brings(a, b), brings(c))) == {"a": a, "b": b, "c": c}


def test_the_first_keeps_a_name_and_the_rest_goes_on():
    first, second = thing("same"), thing("same")
    manager = manager_with(brings(first), brings(second, thing("other")))
    found = collect(manager)
    assert found["same"] is first
    assert list(found) == ["same", "other"]
    assert manager.failures == [
        PluginFailure("p1", None, "the name `same` is taken already by `p0`")
    ]


def test_a_reserved_name_is_refused():
    manager = manager_with(brings(thing("run")))
    assert collect(manager, reserved=["run"]) == {}
    assert manager.failures == [PluginFailure("p0", None, "the name `run` is taken already")]


def failing(self):
    raise ValueError("two\nlines")


def exiting(self):
    raise SystemExit("bye")


def breaking_off(self):
    yield thing("before")
    raise ValueError("broken off")


@pytest.mark.parametrize(
    ("hook", "error"),
    [
        (failing, "ValueError: two lines"),
        (exiting, "SystemExit: bye"),
        (lambda self: None, "TypeError: 'NoneType' object is not iterable"),
        (lambda self: [object()], "AttributeError: 'object' object has no attribute 'name'"),
        (lambda self: [type("T", (), {"name": None})], "the name None is not a text"),
    ],
)
def test_what_cannot_be_brought_is_reported(hook, error):
    manager = manager_with(plugin(llm_repl_providers=hook), brings(thing("a")))
    assert list(collect(manager)) == ["a"]
    assert manager.failures == [PluginFailure("p0", None, error)]


def test_what_came_before_a_failure_stays():
    manager = manager_with(plugin(llm_repl_providers=breaking_off))
    assert list(collect(manager)) == ["before"]
    assert manager.failures[0].error == "ValueError: broken off"


def test_failures_are_logged(caplog):
    manager_with(plugin(llm_repl_no_such_hook=lambda self: None))
    assert "plugin p0 is left out" in caplog.text


def test_tryfirst_and_trylast_have_their_meaning():
    called = []

    def noting(mark, **options):
        class Plugin:
            @hookimpl(**options)
            def llm_repl_before_run(self, context):
                called.append(mark)

        return Plugin()

    manager = manager_with(
        noting("last", trylast=True), noting("a"), noting("first", tryfirst=True), noting("b")
    )
    for implementation in manager.implementations("llm_repl_before_run"):
        implementation(context=None)
    assert called == ["first", "a", "b", "last"]


def test_a_plugin_that_comes_later_is_called_too():
    manager = manager_with()
    assert manager.implementations("llm_repl_before_run") == []
    manager.register(plugin(llm_repl_before_run=lambda self: None), "late")
    assert len(manager.implementations("llm_repl_before_run")) == 1


def test_an_implementation_may_leave_arguments_out():
    seen = []
    manager = manager_with(
        plugin(llm_repl_after_run=lambda self, result: seen.append(result)),
        plugin(llm_repl_after_run=lambda self: seen.append("nothing")),
    )
    manager.notify("llm_repl_after_run", context=1, result=2)
    assert seen == [2, "nothing"]


def test_an_errors_own_sentence_is_kept():
    def refuse(self, context):
        raise Conflict("Not now.")

    def fail(self, context):
        raise ValueError("odd.")

    manager = manager_with(plugin(llm_repl_before_run=refuse), plugin(llm_repl_before_run=fail))
    refusing, broken = manager.implementations("llm_repl_before_run")
    with pytest.raises(Conflict, match=r"^Not now\.$"):
        refusing(context=None)
    with pytest.raises(
        PluginError, match=r"^The plugin `p1` failed in llm_repl_before_run: ValueError: odd\.$"
    ):
        broken(context=None)


def test_around_without_plugins_costs_nothing():
    manager = PluginManager()
    assert manager.around("llm_repl_around_run", context=1) is manager.around(
        "llm_repl_around_cell", context=1
    )
    assert isinstance(
        manager.around("llm_repl_around_run", context=1), contextlib.AbstractAsyncContextManager
    )


@pytest.mark.parametrize("name", hookspecs.__all__)
def test_every_hook_is_specified_and_documented(name):
    specification = getattr(hookspecs, name)
    assert specification.__doc__
    assert "return" in specification.__annotations__
    assert all(
        argument in specification.__annotations__
        for argument in specification.__code__.co_varnames[: specification.__code__.co_argcount]
    )
    assert hasattr(PluginManager().hook, name)
