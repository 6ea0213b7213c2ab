"""The helper code that a Jupyter kernel of Python gets, as text.

The kernel's environment may be another one, without this package; so the modules that stand alone
are sent as one text, together with a function that answers requests.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
from types import ModuleType
from typing import Any

from llm_repl_core import safe_builtins
from llm_repl_core.kernels import (
    after_import,
    evaluation,
    inserted,
    no_stdin,
    pending,
    plotly_renderer,
    programs,
    shortening,
    tqdm_text,
    user_frames,
    values,
    whole_display,
)
from llm_repl_core.kernels.inspection import (
    annotation_types,
    arguments,
    completion,
    docstrings,
    functions,
    held,
    iteration,
    media,
    models,
    parameters,
    parts,
    plain,
    summaries,
    tables,
    typed,
)

__all__ = ["bootstrap_code", "number_code", "request_expression"]

_EXIT_SENTENCE = (
    "exit() does not end a notebook's kernel: shut the kernel down, or restart it, instead."
)
_MODULE_NAME = "_llm_repl_helpers"

_MODULES = (
    safe_builtins, values, shortening, whole_display, inserted, evaluation, pending, programs,
    after_import, plotly_renderer, tqdm_text, user_frames, no_stdin,
    annotation_types, arguments, docstrings, functions, held, iteration, media, models, parameters,
    plain, tables, summaries, parts, typed, completion,
)  # fmt: skip
"""What is sent. All in one module, so no two of them may define the same name."""

_ENTRY = """
RESULT_NAMES = ("_", "__", "___")

class _Answer:
    def __init__(self, text):
        self.text = text
    def __repr__(self):
        return self.text

def ask(text):
    import json
    from IPython import get_ipython
    request = json.loads(text)
    shell = get_ipython()
    names, hidden = shell.user_ns, shell.user_ns_hidden
    what, arguments = request["what"], request["arguments"]
    if what == "evaluate":
        result = evaluate_all(namespace=names, hidden=hidden, **arguments)
    elif what == "assign":
        result = pending_variables.assign(arguments)
    elif what == "set_pending":
        result = pending_variables.set_pending(**arguments)
    elif what == "resolve_pending":
        result = pending_variables.resolve(arguments)
    elif what == "names":
        result = user_names(names, hidden)
    else:
        result = snapshot_of(names, hidden, **arguments)
    return _Answer(json.dumps(result))

def keep_results_apart(shell):
    # The last results do not set variables that prompts have set, or will.
    names, update = shell.user_ns, shell.displayhook.update_user_ns
    def update_user_ns(result):
        before = {name: names[name] for name in RESULT_NAMES if name in names}
        update(result)
        if pending_variables.results_are_claimed:
            for name in RESULT_NAMES:
                names.pop(name, None)
            names.update(before)
    shell.displayhook.update_user_ns = update_user_ns

numbers = set()

def number_next(number):
    from IPython import get_ipython
    shell = get_ipython()
    history = getattr(shell, "history_manager", None)
    # IPython's database has each number once in a session.
    if number in numbers and getattr(history, "enabled", False):
        history.writeout_cache()
        history.new_session()
        numbers.clear()
    numbers.add(number)
    shell.execution_count = number

def refuse_exit():
    raise SystemExit(EXIT_SENTENCE)

def lift_send_limit():
    # ZeroMQ drops what a reader has not taken when a thousand messages wait, without a word.
    import zmq
    from IPython import get_ipython
    thread = get_ipython().kernel.iopub_thread
    thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, 0))

def show_bundle(data):
    from IPython.display import display
    display(data, raw=True)
    return True

def install():
    from IPython import get_ipython
    use_plotly_renderer(show_bundle)
    use_text_bars(lambda: True)
    try:
        lift_send_limit()
    except Exception:
        pass  # another kernel of Python than ipykernel
    shell = get_ipython()
    global pending_variables
    pending_variables = PendingVariables(shell.user_ns, RESULT_NAMES)
    shell.events.register("post_run_cell", lambda _: pending_variables.forget_set())
    keep_results_apart(shell)
    # Otherwise exit() ends the kernel a moment after the cell, without a word.
    shell.ask_exit = refuse_exit
    get_exception = shell._get_exc_info
    def get_users_exception(exc_tuple=None):
        kind, error, _ = get_exception(exc_tuple)
        keep_user_frames(error)
        return kind, error, error.__traceback__
    shell._get_exc_info = get_users_exception
    def system(command):
        shell.user_ns["_exit_code"] = run_program_of_cell(shell.var_expand(command, depth=1))
    shell.system = shell.system_piped = system
    refuse_input(shell)

install()
"""


@functools.cache
def bootstrap_code() -> str:
    """Code that puts the helpers into a module of their own, outside of the user's namespace."""
    parts = [_stand_alone(module) for module in _MODULES]
    source = "\n".join(
        [
            "from __future__ import annotations",
            *parts,
            f"EXIT_SENTENCE = {_EXIT_SENTENCE!r}",
            _ENTRY,
        ]
    )
    return (
        "def _llm_repl_install():\n"
        "    import sys, types\n"
        f"    module = types.ModuleType({_MODULE_NAME!r})\n"
        f"    sys.modules[{_MODULE_NAME!r}] = module\n"
        f"    exec(compile({source!r}, '<llm-repl>', 'exec'), module.__dict__)\n"
        "_llm_repl_install()\n"
        "del _llm_repl_install\n"
    )


def number_code(number: int) -> str:
    """Code by which the next cell has a number."""
    return f"__import__({_MODULE_NAME!r}).number_next({number})"


def request_expression(what: str, arguments: dict[str, Any]) -> str:
    """An expression whose text in the kernel is the answer in JSON."""
    request = json.dumps({"what": what, "arguments": arguments})
    return f"__import__('sys').modules[{_MODULE_NAME!r}].ask({request!r})"


def _stand_alone(module: ModuleType) -> str:
    """The module's text without its docstring and without imports of this package."""
    tree = ast.parse(inspect.getsource(module))
    tree.body = [
        statement
        for statement in tree.body[1:]
        if not (
            isinstance(statement, ast.ImportFrom)
            and (statement.module or "").startswith(("__future__", "llm_repl_core"))
        )
    ]
    return ast.unparse(tree)
