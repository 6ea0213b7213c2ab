"""Plugins as installed distributions announce them: real ones, in a folder on ``sys.path``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from llm_repl_core import Application, PluginManager

GOOD = """
from llm_repl_core import Delta, Provider, hookimpl

class {name}(Provider):
    name = "{name}"
    default_model = "{name}"

    async def stream(self, request):
        yield Delta(text="from {name}")

@hookimpl
def llm_repl_providers():
    return [{name}]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution with one module, as pip leaves it behind."""
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path / "configuration"))
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    modules = set(sys.modules)

    def install_it(name, code, *, entry_point=None, version="1.2"):
        module = f"installed_{name}"
        (folder / f"{module}.py").write_text(textwrap.dedent(code))
        information = folder / f"llm_repl_{name}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: llm-repl-{name}\nVersion: {version}\n"
        )
        (information / "entry_points.txt").write_text(
            f"[llm_repl]\n{name} = {entry_point or module}\n"
        )
        return folder

    yield install_it
    for name in set(sys.modules) - modules:
        if name.startswith("installed_"):
            del sys.modules[name]


def loaded():
    manager = PluginManager()
    manager.load_entry_points()
    return manager


def failure_of(manager, name):
    [failure] = [failure for failure in manager.failures if failure.name == name]
    assert failure.distribution == f"llm-repl-{name}"
    assert "\n" not in failure.error
    return failure.error


def test_an_installed_plugin_is_in_use(install):
    install("good", GOOD.format(name="good"))
    application = Application()
    assert "good" in application.providers.names()
    [info] = [info for info in application.plugins.plugins() if info.name == "good"]
    assert (info.distribution, info.version) == ("llm-repl-good", "1.2")
    assert application.plugins.failures == []
    assert "good" not in Application(entry_points=False).providers.names()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1/0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
        (
            "from llm_repl_core import hookimpl\n@hookimpl\ndef llm_repl_nothing(): pass",
            "PluginValidationError: ",
        ),
        (
            "from llm_repl_core import hookimpl\n@hookimpl\ndef llm_repl_before_run(run): pass",
            "PluginValidationError: ",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(install, code, error):
    install("bad", code)
    install("good", GOOD.format(name="good"))
    application = Application()
    assert failure_of(application.plugins, "bad").startswith(error)
    assert len(application.plugins.failures) == 1
    assert {"good", "mock"} <= set(application.providers.names())
    assert "bad" not in [info.name for info in application.plugins.plugins()]


@pytest.mark.parametrize(
    "entry_point", ["no_such_module_at_all", "json:nothing_there", "  ", "a b"]
)
def test_an_entry_point_that_leads_nowhere_is_named(install, entry_point):
    install("bad", "", entry_point=entry_point)
    assert failure_of(loaded(), "bad")


def test_a_provider_whose_name_is_taken_is_named(install):
    install("imitator", GOOD.format(name="mock"))
    application = Application()
    error = failure_of(application.plugins, "imitator")
    assert error.startswith("the name `mock` is taken already")
    assert application.providers.require("mock").__module__.startswith("llm_repl_providers")


def test_a_plugin_object_in_a_module(install):
    code = GOOD.format(name="inner").replace("def llm_repl_providers():", "def hook(self):")
    install(
        "inner",
        code.replace("@hookimpl\ndef hook", "@hookimpl(specname='llm_repl_providers')\ndef hook")
        + "\nplugin = type('Plugin', (), {'llm_repl_providers': hook})()\ndel hook\n",
        entry_point="installed_inner:plugin",
    )
    assert "inner" in Application().providers.names()


def test_ctrl_c_during_an_import_is_no_failure_of_the_plugin(install):
    install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        loaded()


def test_a_script_says_which_plugin_fails_and_goes_on(install):
    folder = install("bad", "raise SystemExit('no way')")
    script = (
        "from llm_repl_core import Notebook, Session\n"
        "n = Notebook()\nn.add_prompt('hi', model='mock/echo')\n"
        "with Session(n) as s:\n  s.run()\n  print(s.state['response_0'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hi\n"
    assert done.stderr == "plugin bad is left out: SystemExit: no way\n"
