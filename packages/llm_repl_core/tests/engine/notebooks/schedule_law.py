"""Runs a notebook in order and in parallel, and says how the two differ."""

from __future__ import annotations

import random
import re
import sys
import types
from collections.abc import Mapping
from typing import Any

from llm_repl_core import Application, Notebook, Session, Settings
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.kernels.base import Kernel

_LIMIT_S = 30.0
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_NAMES_TOLD = re.compile(
    r"; (?:the state has: |a memory cell sees )[^.]*|"
    r" \(did you mean [^)]*\)|[.] Did you mean: '\w+'\?|[.] Or did you forget to import '\w+'\?"
)
"""Which other names there are: a failing cell tells it, but does not wait for them."""


class Ran:
    """What a run has left.

    Attributes:
        cells: By id: status, execution count and outputs.
        state: The variables by value, and which of them are one object.
        error: The run's.
        failed_at: The cell that it names.
    """

    def __init__(self, notebook: Notebook, state: Any, error: str | None, cell: str | None) -> None:
        self.cells = {
            cell.id: (
                cell.status,
                cell.execution_count,
                [_plain((one.type, one.content, _told(one.fields))) for one in cell.outputs],
            )
            for cell in notebook
        }
        self.state = state
        self.error = None if error is None else _plain(error)
        self.failed_at = cell


class Law:
    """What the law needs: an application, and a loop that all sessions live in.

    Args:
        world: The source of the module `schedule_world`, which notebooks share and change.
    """

    def __init__(self, world: str) -> None:
        self.world = world
        self.application = Application(Settings(call_attempts=1))
        self.loop = EngineLoop()

    def close(self) -> None:
        """End the loop."""
        self.loop.call(self.application.providers.close())
        self.loop.close()

    def difference(
        self, sketch: Any, *, stop_on_error: bool, kernel: str | type[Kernel] = "in_process"
    ) -> str | None:
        """How a parallel run differs from the serial one; None: as it must not.

        Args:
            sketch: Makes the notebook.
            stop_on_error: Whether a failure ends the run.
            kernel: Where the code runs.
        """
        serial = self._run(sketch, kernel, parallel=False, stop_on_error=stop_on_error)
        parallel = self._run(sketch, kernel, parallel=True, stop_on_error=stop_on_error)
        if serial.failed_at != parallel.failed_at or serial.error != parallel.error:
            return f"the run failed at {parallel.failed_at} ({parallel.error}), not at {serial.failed_at} ({serial.error})"
        stopped = stop_on_error and serial.error is not None
        for cell_id, cell in serial.cells.items():
            if stopped and cell[0] == "idle":
                continue
            if parallel.cells[cell_id] != cell:
                return f"{cell_id} is {parallel.cells[cell_id]}, not {cell}"
        if not stopped and serial.state != parallel.state:
            for name, value in serial.state.items():
                if parallel.state.get(name) != value:
                    return f"{name} is {parallel.state.get(name)}, not {value}"
            return f"also there: {parallel.state.keys() - serial.state.keys()}"
        return None

    def _run(self, sketch: Any, kernel: Any, *, parallel: bool, stop_on_error: bool) -> Ran:
        notebook = sketch.notebook(delays=parallel)
        _new_world(self.world)
        made = kernel if isinstance(kernel, str) else kernel()
        session = Session(notebook, application=self.application, kernel=made, loop=self.loop)
        options = RunOptions(parallel=parallel, stop_on_error=stop_on_error)

        async def run() -> Any:
            _, task = session.live.start(None, options)
            return await task

        try:
            result = self.loop.call(run(), _LIMIT_S)
            state = _state(session, notebook)
        finally:
            self.loop.call(session.live.close(), _LIMIT_S)
        return Ran(notebook, state, result.error, result.cell_id)


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "call_id"}


def _new_world(source: str) -> None:
    """What modules keep is as at the beginning."""
    random.seed(0)
    world = types.ModuleType("schedule_world")
    exec(source, vars(world))
    sys.modules["schedule_world"] = world


def _state(session: Any, notebook: Notebook) -> dict[str, Any]:
    namespace = session.kernel.live_namespace()
    if namespace is None:
        return {name: _plain(session.state[name]) for name in sorted(session.state)}
    seen: dict[int, int] = {}
    kept: list[Any] = []  # or an id could be used twice
    state = {
        name: _inside(namespace[name], seen, kept)
        for name in sorted(namespace)
        if name == "_" or not name.startswith("_")
    }
    world = sys.modules["schedule_world"]
    state |= {f"world.{name}": _inside(vars(world)[name], seen, kept) for name in ("count", "kept")}
    state |= {"random": random.getstate()[1][:3], "memory of notebook": dict(notebook.memory)}
    return state


def _inside(value: Any, seen: dict[int, int], kept: list[Any]) -> Any:
    """An object as plain data: what is one object has one number."""
    if isinstance(value, str):
        return _plain(value)
    if value is None or isinstance(value, int | float):
        return value
    if id(value) in seen:
        return f"object {seen[id(value)]}"
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, tuple):
        return ("tuple", *(_inside(one, seen, kept) for one in value))
    seen[id(value)] = number = len(seen)
    kept.append(value)
    match value:
        case list():
            inside: Any = [_inside(one, seen, kept) for one in value]
        case dict():
            inside = [(str(key), _inside(one, seen, kept)) for key, one in value.items()]
        case types.FunctionType():
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            code = (value.__code__.co_code, value.__code__.co_names)
            inside = [code, _inside(value.__defaults__, seen, kept), _inside(cells, seen, kept)]
        case types.MethodType():
            inside = [value.__name__, _inside(value.__self__, seen, kept)]
        case types.GeneratorType():
            frame = value.gi_frame
            inside = frame and [frame.f_lasti, _inside(dict(frame.f_locals), seen, kept)]
        case type():
            mine = {name: one for name, one in vars(value).items() if name[:2] != "__"}
            bases = [_inside(one, seen, kept) for one in value.__bases__]
            inside = [value.__name__, bases, _inside(mine, seen, kept)]
            if value.__module__ != "__main__":
                inside = value.__name__
        case property():
            inside = _inside(value.fget, seen, kept)
        case classmethod():
            inside = _inside(value.__func__, seen, kept)
        case _ if type(value).__module__ == "__main__":
            inside = [_inside(type(value), seen, kept), _inside(vars(value), seen, kept)]
        case _ if hasattr(value, "__length_hint__"):
            inside = value.__length_hint__()
        case _:
            inside = None
    return (number, type(value).__name__, inside)


def _plain(value: Any) -> Any:
    """Without what is another number in each run."""
    match value:
        case str():
            return _NAMES_TOLD.sub("", _ADDRESS.sub("0x…", value))
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {key: _plain(one) for key, one in value.items()}
    return value
