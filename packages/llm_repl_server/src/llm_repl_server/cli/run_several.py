"""Several notebooks at once: a line each, and one budget over all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from llm_repl_core import InvalidInput, LLMReplError, Settings, load_settings
from llm_repl_core.engine.budget import BudgetMeter
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_server.cli.early_kernel import EarlyKernel
from llm_repl_server.cli.file_lines import FileLines
from llm_repl_server.cli.file_run import FileRun
from llm_repl_server.cli.notebook_run import NotebookRun, RunArguments
from llm_repl_server.cli.run_results import NotebookReport
from llm_repl_server.cli.termination import Termination

__all__ = ["run_several"]

_LOOK_S = 0.1
_IN_THIS_PROCESS = "in_process"


def run_several(
    paths: Sequence[Path],
    arguments: RunArguments,
    early: EarlyKernel,
    *,
    folder: Path | None,
    jobs: int,
    quiet: bool,
) -> tuple[int, list[NotebookReport]]:
    """Run notebooks, some at the same time; one that fails stops no other.

    Args:
        paths: Their files.
        arguments: What the command line says; its budget is one over all.
        early: The kernel of the first, which may be starting.
        folder: Where they are saved under their names; None: nowhere.
        jobs: How many run at once.
        quiet: Whether to print failures only.

    Returns:
        The exit code, and what a report says.

    Raises:
        InvalidInput: They cannot be saved in the folder.
    """
    outputs = _outputs(paths, folder)
    plugins = PluginManager()
    plugins.load_entry_points()
    limits = ProviderLimits(load_settings(Settings).provider_concurrency)
    files = [FileRun(path) for path in paths]
    for file, output in zip(files, outputs, strict=True):
        _prepare(file, arguments, early, output, plugins, limits)
    budget = arguments.options.get("budget")
    meter = None if budget is None else BudgetMeter(budget, owner="run", is_shared=True)
    lines = FileLines(files, quiet=quiet)
    started_s = time.monotonic()
    loop = EngineLoop()
    try:
        with Termination() as termination:
            stopped = _run_all(files, loop, meter, jobs, lines, termination)
    finally:
        for file in files:
            if file.run is not None:
                loop.call(file.run.application.providers.close())
        loop.close()
    lines.finish(time.monotonic() - started_s)
    code = max(file.exit_code or 0 for file in files)
    return termination.exit_code if stopped else code, [file.report() for file in files]


def _outputs(paths: Sequence[Path], folder: Path | None) -> list[Path | None]:
    if folder is None:
        return [None] * len(paths)
    outputs = [folder / path.name for path in paths]
    for output in outputs:
        if outputs.count(output) > 1:
            raise InvalidInput(
                f"Two of the notebooks would be saved as {output}: name one of them."
            )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"Several notebooks are saved in a folder, and {folder} cannot be one: "
            f"{error.strerror}."
        ) from None
    return list(outputs)


def _prepare(
    file: FileRun,
    arguments: RunArguments,
    early: EarlyKernel,
    output: Path | None,
    plugins: PluginManager,
    limits: ProviderLimits,
) -> None:
    try:
        run = NotebookRun(file.path, arguments, output=output, plugins=plugins, limits=limits)
        kernel = early.kernel(run.application, run.notebook, cwd=arguments.cwd)
        if kernel == _IN_THIS_PROCESS:
            raise InvalidInput(
                "Of several notebooks, each needs a process of its own, and the kernel "
                f"`{kernel}` has none: run it alone, or choose another with --kernel."
            )
        file.run, file.kernel = run, kernel
    except LLMReplError as error:
        file.fail(error)


def _run_all(
    files: Sequence[FileRun],
    loop: EngineLoop,
    meter: BudgetMeter | None,
    jobs: int,
    lines: FileLines,
    termination: Termination,
) -> bool:
    """Run them all; whether they were stopped."""
    stopped = False

    def work(file: FileRun) -> None:
        if not stopped:
            _run_one_of(file, loop, meter, termination)

    with ThreadPoolExecutor(jobs, thread_name_prefix="notebook") as pool:
        pending = {pool.submit(work, file) for file in files if file.run is not None}
        while pending:
            try:
                _, pending = wait(pending, timeout=_LOOK_S)
                lines.draw()
            except KeyboardInterrupt:
                stopped = True
                for file in files:
                    if (session := file.session) is not None:
                        session.interrupt()
    lines.draw()
    return stopped


def _run_one_of(
    file: FileRun, loop: EngineLoop, meter: BudgetMeter | None, termination: Termination
) -> None:
    run = file.run
    assert run is not None
    try:
        if run.to_run.chosen_ids == ():
            run.save()
            file.exit_code = int(file.finish())
            return
        with run.open(file.kernel, loop=loop, run_meter=meter) as session:
            file.session = session
            try:
                file.exit_code = run.run(session, run.to_run, file, termination)
            finally:
                file.session = None
    except LLMReplError as error:
        file.fail(error)
