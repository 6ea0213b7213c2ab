"""jsonschema is imported soon, and checks what it otherwise checks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SLOW = "rfc3987_syntax"


def run(program: str) -> str:
    # Not measured: to trace what compiles the grammar takes ten seconds.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_slow_format_is_there_when_it_is_checked_and_not_before() -> None:
    pytest.importorskip(SLOW)
    program = (
        "import sys\n"
        "from llm_repl_core.compat.jsonschema_import import import_jsonschema\n"
        "jsonschema = import_jsonschema()\n"
        f"assert {SLOW!r} not in sys.modules and 'lark' not in sys.modules\n"
        "assert import_jsonschema() is jsonschema is sys.modules['jsonschema']\n"
        "checker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "print([checker.conforms(text, name) for name in ('iri', 'iri-reference')\n"
        "       for text in ('http://a.example/ü', 'a b<>')])\n"
        f"assert {SLOW!r} in sys.modules\n"
    )
    ours = run(program)
    plain = run(
        "import jsonschema\n"
        "checker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "print([checker.conforms(text, name) for name in ('iri', 'iri-reference')\n"
        "       for text in ('http://a.example/ü', 'a b<>')])\n"
    )
    assert ours == plain == "[True, False, True, False]\n"


def test_all_formats_are_there_that_jsonschema_has_otherwise() -> None:
    program = "print(sorted(jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers))"
    ours = "from llm_repl_core.compat.jsonschema_import import import_jsonschema\n"
    ours += "jsonschema = import_jsonschema()\n"
    assert run(ours + program) == run("import jsonschema\n" + program)


def test_what_it_stands_in_for_is_what_jsonschema_takes() -> None:
    slow = pytest.importorskip(SLOW)
    assert callable(slow.is_valid_syntax)


def test_a_schema_is_checked_without_it() -> None:
    program = (
        "import sys\n"
        "from llm_repl_core.engine.prompts.answer_schema import SchemaChecker\n"
        "SchemaChecker({'type': 'object'}).check({})\n"
        f"print({SLOW!r} in sys.modules)\n"
    )
    assert run(program) == "False\n"
