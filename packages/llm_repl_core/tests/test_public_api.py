from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import llm_repl_core
from llm_repl_core import errors

SOURCE = Path(llm_repl_core.__file__)
HEAVY = ["IPython", "flask", "jupyter_client", "openai", "platformdirs", "sqlalchemy", "yaml"]


def own_names():
    return [name for name in llm_repl_core.__all__ if name not in errors.__all__]


def modules():
    found = pkgutil.walk_packages(llm_repl_core.__path__, "llm_repl_core.")
    return sorted(module.name for module in found if ".testing" not in module.name)


def test_all_names_are_sorted_and_unique():
    assert own_names() == sorted(own_names())
    assert errors.__all__ == sorted(errors.__all__)
    assert len(set(llm_repl_core.__all__)) == len(llm_repl_core.__all__)
    assert llm_repl_core.__all__ == own_names() + errors.__all__


@pytest.mark.parametrize("name", llm_repl_core.__all__)
def test_every_name_is_there_and_documented(name):
    thing = getattr(llm_repl_core, name)
    if isinstance(thing, type) or inspect.isfunction(thing):
        assert thing.__module__.startswith("llm_repl_core.")
        documentation = thing.__doc__ or ""
        assert documentation.strip(), name
        assert documentation.strip().splitlines()[0].endswith((".", "…")), name
    assert thing is getattr(llm_repl_core, name)


def test_what_type_checkers_see_is_what_is_there():
    """The imports that nobody runs, the table of the lazy ones and ``__all__`` are one list."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module.removeprefix("llm_repl_core.")
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert seen == llm_repl_core._HOMES
    assert sorted(seen) == own_names()


def test_all_names_are_listed_and_others_are_not_there():
    assert set(llm_repl_core.__all__) <= set(dir(llm_repl_core))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        llm_repl_core.Nothing  # noqa: B018
    with pytest.raises(ImportError):
        from llm_repl_core import Nothing  # type: ignore[attr-defined]  # noqa: F401
    namespace = {}
    exec("from llm_repl_core import *", namespace)
    assert set(llm_repl_core.__all__) <= set(namespace)


def test_every_error_and_every_base_of_the_public_classes_is_public():
    for name, thing in vars(errors).items():
        if isinstance(thing, type) and issubclass(thing, errors.LLMReplError):
            assert name in llm_repl_core.__all__


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_exports(name):
    module = importlib.import_module(name)
    assert module.__doc__
    exported = getattr(module, "__all__", [])
    assert [one for one in exported if not hasattr(module, one)] == []


def test_the_error_tree_is_drawn_as_it_is():
    lines = [
        line.strip("│ ").removeprefix("├ ").removeprefix("└ ").split()
        for line in (errors.__doc__ or "").splitlines()
        if line.startswith(("    ├", "    │", "    └"))
    ]
    drawn = {name: (code, int(status), int(code_)) for name, code, status, code_ in lines}
    there = {
        name: (thing.code, thing.http_status, thing.exit_code)
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, errors.LLMReplError)
        if thing is not errors.LLMReplError
    }
    assert drawn == there


def run_python(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import llm_repl_core",
        "from llm_repl_core import Notebook, Provider, hookimpl",
        "import llm_repl_core; [getattr(llm_repl_core, n) for n in llm_repl_core.__all__]",
    ],
)
def test_an_import_is_light(statement):
    loaded = json.loads(
        run_python(f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))")
    )
    assert not [name for name in HEAVY if name in loaded]
    if statement == "import llm_repl_core":
        assert "asyncio" not in loaded


def test_a_script_loads_no_more_than_it_uses():
    code = (
        "from llm_repl_core import Notebook, Session\nn = Notebook()\nn.add_prompt('x', model='mock/echo')\n"
        "with Session(n) as s: s.run()\n"
        "import sys, json\nprint(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(run_python(code))
    heavy = ["IPython", "flask", "jupyter_client", "openai", "sqlalchemy", "yaml"]
    assert not [name for name in heavy if name in loaded]
