"""Holds notebooks to the law: in parallel they leave what they leave in order, and replay as well."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from law_left import Ran, differs
from law_notebooks import Sketch, smaller
from law_provider import QUIET_S, Conductor, LawProvider

from llm_repl_core import Application, PluginManager, Session, Settings, hookimpl
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.kernels.base import Evaluated, Expression, KernelOptions
from llm_repl_core.kernels.state import KernelFork
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.recordings import RecordingsLedger
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["Law"]

LIMIT_S = 60.0
"""How long one run may take."""

_HERE = Path(__file__).parent
_CHEAP = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"} | dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
_LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "pydantic", "duckdb", "numexpr")


_PATIENCE_S = 20.0
"""How long a fork may take, so that on a busy machine, too, prompts are sent ahead."""


class WatchedKernel(WorkerKernel):
    """A worker whose work the conductor hears of."""

    def __init__(self, options: KernelOptions, *, zygote: Zygote, conductor: Conductor) -> None:
        super().__init__(options, zygote=zygote, fork_limit_s=_PATIENCE_S)
        self._conductor = conductor

    async def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        """See `Kernel.execute`."""
        with self._conductor.busy():
            async with contextlib.aclosing(super().execute(code)) as outputs:
                async for output in outputs:
                    yield output

    async def evaluate(self, expressions: Sequence[Expression], **options: Any) -> list[Evaluated]:
        """See `Kernel.evaluate`."""
        with self._conductor.busy():
            return await super().evaluate(expressions, **options)

    async def assign(self, values: Mapping[str, Any]) -> None:
        """See `Kernel.assign`."""
        with self._conductor.busy():
            await super().assign(values)

    async def fork(
        self, names: Collection[str], *, limit_s: float | None = None
    ) -> KernelFork | None:
        """See `Kernel.fork`."""
        with self._conductor.busy():
            fork = await super().fork(names, limit_s=limit_s)
        return None if fork is None else _WatchedFork(fork, self._conductor)


class _WatchedFork(KernelFork):
    """A fork whose work the conductor hears of, so that answers wait for what is sent ahead."""

    def __init__(self, fork: KernelFork, conductor: Conductor) -> None:
        super().__init__(fork.options)
        self._fork = fork
        self._conductor = conductor

    @property
    def alive(self) -> bool:
        return self._fork.alive

    async def evaluate(self, expressions: Sequence[Expression], **options: Any) -> list[Evaluated]:
        with self._conductor.busy():
            return await self._fork.evaluate(expressions, **options)

    async def assign(self, values: Mapping[str, Any]) -> None:
        with self._conductor.busy():
            await self._fork.assign(values)

    async def names(self) -> list[str]:
        return await self._fork.names()

    async def close(self) -> None:
        await self._fork.close()


class _Lane:
    """An application, and a folder: runs in it come one after the other."""

    def __init__(self, number: int, root: Path) -> None:
        self.conductor = Conductor()
        self.folder = root / f"lane-{number}"
        self.busy = asyncio.Lock()
        plugins = PluginManager()
        plugins.register(_Plugin(self), "law")
        self.application = Application(
            Settings(call_attempts=1, provider="law"), plugins=plugins, entry_points=False
        )

    def empty_folder(self) -> Path:
        """A folder with nothing in it, always the same: its name is in outputs."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self.folder


class _Plugin:
    def __init__(self, lane: _Lane) -> None:
        self._provider = type("LaneProvider", (LawProvider,), {"source": lane})

    @hookimpl
    def llm_repl_providers(self) -> list[type[LawProvider]]:
        return [self._provider]


class Law:
    """What the law needs. It is a context manager.

    Args:
        lanes: How many notebooks are held to it at the same time.
    """

    def __init__(self, lanes: int = 3) -> None:
        self.quiet_s = QUIET_S
        """How long nothing has to have happened before an answer comes that is held back."""
        self._loop = EngineLoop()
        self._root = Path(tempfile.mkdtemp(prefix="llm-repl-law-"))
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._lanes = [_Lane(number, self._root) for number in range(lanes)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes and the loop."""
        for zygote in self._zygotes.values():
            self._loop.call(zygote.stop())
        for lane in self._lanes:
            self._loop.call(lane.application.providers.close())
        self._loop.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def difference(self, sketch: Sketch) -> str | None:
        """How a notebook breaks the law; None: it holds."""
        return self.differences([sketch])[0]

    def differences(self, sketches: Sequence[Sketch]) -> list[str | None]:
        """The same of many, several at a time."""
        return self._loop.call(self._each(sketches, self._differs))

    def difference_between(self, one: Sketch, other: Sketch) -> str | None:
        """How two notebooks differ that are run in order."""

        async def check() -> str | None:
            lane = self._lanes[0]
            first = await self._run(one, lane, parallel=False)
            return differs(first, await self._run(other, lane, parallel=False))

        return self._loop.call(check())

    def unfit(self, sketch: Sketch, without_effect: Sketch | None, *, may_fail: bool) -> str | None:
        """Why a construct cannot be held to the law; None: it can.

        In order it must leave the same each time, and replay. Its effect must be seen.

        Args:
            sketch: Its cells.
            without_effect: The same cells without the effect: they must send something else.
            may_fail: Whether cells may end with an error or a warning.
        """

        async def check() -> str | None:
            lane = self._lanes[0]
            ran = await self._run(sketch, lane, parallel=False)
            for cell_id, (status, _, is_stale, outputs) in ran.cells.items():
                told = [one for one in outputs if one[0] in ("error", "warning")]
                if not may_fail and (told or (status != "completed" and not is_stale)):
                    return f"{cell_id} is {status}: {told}"
            recordings = None if ran.refused else ran.recordings
            again = await self._run(sketch, lane, parallel=False, recordings=recordings)
            if (difference := differs(ran, again)) is not None:
                return f"Again, in order: {difference}"
            if without_effect is not None:
                other = await self._run(without_effect, lane, parallel=False)
                if [one[1:] for one in ran.requests] == [one[1:] for one in other.requests]:
                    return f"With and without the effect it sends {ran.requests}."
            return None

        return self._loop.call(check())

    def least(self, sketch: Sketch, most: int = 120) -> tuple[Sketch, str]:
        """A notebook of fewer cells that breaks the law as well, and how.

        Args:
            sketch: One that breaks it.
            most: How many notebooks may be tried.
        """
        told = self.difference(sketch) or "It holds when it is tried again."
        while most > 0:
            candidates = smaller(sketch)[:most]
            most -= len(candidates)
            found = zip(candidates, self.differences(candidates), strict=True)
            less = next(((one, how) for one, how in found if how is not None), None)
            if less is None:
                break
            sketch, told = less
        return sketch, told

    async def _each(self, sketches: Sequence[Sketch], check: Any) -> list[str | None]:
        free: asyncio.Queue[_Lane] = asyncio.Queue()
        for lane in self._lanes:
            free.put_nowait(lane)

        async def one(sketch: Sketch) -> str | None:
            lane = await free.get()
            try:
                found: str | None = await check(sketch, lane)
                return found
            finally:
                free.put_nowait(lane)

        return list(await asyncio.gather(*map(one, sketches)))

    async def _differs(self, sketch: Sketch, lane: _Lane) -> str | None:
        serial = await self._run(sketch, lane, parallel=False)
        if serial.sends_addresses:
            return None  # each process asks something else
        parallel = await self._run(sketch, lane, parallel=True)
        found = differs(serial, parallel)
        if found is not None:
            return f"In parallel: {found}"
        if serial.refused:
            return None  # what was refused has no answer on record
        replays = [
            ("A recording in order, replayed in parallel", serial, True),
            ("A recording in parallel, replayed in order", parallel, False),
        ]
        if not sketch.replays_both_ways:
            # Of every second notebook one recording.
            replays = [] if sketch.seed % 2 else [replays[sketch.seed // 2 % 2]]
        for what, recorded, is_parallel in replays:
            replayed = await self._run(
                sketch, lane, parallel=is_parallel, recordings=recorded.recordings
            )
            found = differs(serial, replayed)
            if found is not None:
                return f"{what}: {found}"
        return None

    async def _run(
        self, sketch: Sketch, lane: _Lane, *, parallel: bool, recordings: bytes | None = None
    ) -> Ran:
        is_live = recordings is None
        how = sketch.how if parallel and is_live else "at once"
        conductor = Conductor(how, sketch.seed, self.quiet_s)
        lane.conductor = conductor
        application = lane.application
        notebook = sketch.notebook()
        kernel = WatchedKernel(
            application.kernel_options(cwd=lane.empty_folder()),
            zygote=await self._zygote(sketch.libraries),
            conductor=conductor,
        )
        ledger = MemoryLedger() if is_live else RecordingsLedger("law.calls.jsonl", recordings)
        live = Session(
            notebook, application=application, kernel=kernel, loop=self._loop, ledger=ledger
        ).live
        options = RunOptions(
            parallel=parallel,
            stop_on_error=sketch.stop_on_error,
            mode="live" if is_live else "replay",
        )
        ends: list[tuple[Any, ...]] = []
        try:
            async with asyncio.timeout(LIMIT_S):
                for cell_ids, change in sketch.steps():
                    if cell_ids:
                        _, task = live.start(cell_ids, options, listener=conductor.note)
                        result = await task
                        ends.append((result.error, result.cell_id))
                    if change is not None:
                        notebook.change(change[0], content=change[1])
                        live.dependencies.mark_changed(change[0])
                state = await _state(kernel) if kernel.alive else {}
        finally:
            await live.close()
        return Ran(notebook, ledger, state, ends)

    async def _zygote(self, libraries: frozenset[str]) -> Zygote:
        wanted = tuple(_LIBRARIES) if libraries else ()
        if wanted not in self._zygotes:
            zygote = Zygote(("law_describe", *filter(_is_installed, wanted)))
            self._zygotes[wanted] = zygote
            with _environment(_CHEAP | {"PYTHONPATH": str(_HERE)}):
                zygote.begin()
        zygote = self._zygotes[wanted]
        await zygote.start()
        assert not zygote.problems, zygote.problems
        return zygote


async def _state(kernel: WorkerKernel) -> Mapping[str, Any]:
    [found] = await WorkerKernel.evaluate(
        kernel, [Expression("__import__('law_describe').describe()")]
    )
    text = getattr(found, "text", None)
    if text is None:
        return {"state": f"It cannot be told: {found}"}
    state: dict[str, Any] = json.loads(text)
    return state


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module.partition(".")[0]) is not None


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """What a zygote that starts meanwhile sees."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
