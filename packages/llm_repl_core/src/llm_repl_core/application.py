"""An application: settings, plugins, providers and kernels, wired together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from llm_repl_core import builtin_plugins
from llm_repl_core.custom_providers import CustomProviders
from llm_repl_core.engine.budget import BudgetMeter
from llm_repl_core.engine.call_policies import CallPolicies
from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.cost_bounds import CostBounds
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.retries import RetryPolicy
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.errors import InvalidInput, InvalidNotebook, KernelNotFound, PluginError
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.files import FileSignature, read_file, shown_path, write_atomically
from llm_repl_core.formats.base import Format
from llm_repl_core.kernels.base import Kernel, KernelOptions
from llm_repl_core.kernels.jupyter import JupyterKernel, find_kernelspec
from llm_repl_core.keys import Keys
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.memory_limit import default_memory_limit_bytes
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.language import PYTHON, kernelspec_name, notebook_language
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.providers.base import Provider
from llm_repl_core.settings import Settings
from llm_repl_core.suggestions import did_you_mean

__all__ = ["Application", "load_notebook", "save_notebook"]

NOTEBOOK_LIMIT_BYTES = 1_000_000_000
"""Of a file that is loaded: beyond it, something else was meant."""


class KernelChoice(Struct, frozen=True):
    """Which kernel a notebook gets.

    Attributes:
        kernel_class: Its class.
        kernelspec: The Jupyter kernelspec, where it is the notebook's own; None: the settings'.
    """

    kernel_class: type[Kernel]
    kernelspec: str | None = None

    def make(self, options: KernelOptions) -> Kernel:
        """The kernel, not started.

        Args:
            options: What it may use, as the settings say.
        """
        if self.kernelspec is not None:
            options = msgspec.structs.replace(options, kernelspec=self.kernelspec)
        return self.kernel_class(options)


class Application:
    """What sessions need, made once and shared by them.

    Args:
        settings: Those of the core; the defaults where None. `load_settings` reads the user's.
        plugins: A manager that has plugins already; a new one where None.
        entry_points: Whether to load the plugins that installed distributions announce.
        keys: Where the keys of providers are.
        custom_providers: Servers under names of their own; those of the settings and of the file
            in the configuration folder where None.
        limits: Of calls to each provider at once, shared with other applications in the same loop;
            its own, as the settings have them, where None.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        plugins: PluginManager | None = None,
        entry_points: bool = True,
        keys: Keys | None = None,
        custom_providers: CustomProviders | None = None,
        limits: ProviderLimits | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.plugins = plugins or PluginManager()
        if "builtin" not in [info.name for info in self.plugins.plugins()]:
            self.plugins.register(builtin_plugins, "builtin")
        if entry_points:
            self.plugins.load_entry_points()
        self.keys = keys or Keys()
        self.cell_types = CellTypes(())
        collected: dict[str, CellType] = self.plugins.collect(
            "llm_repl_cell_types", self._claim_cell_type
        )
        self._executors: dict[type[Cell], CellType] = {
            cell_type.cell_class: cell_type for cell_type in collected.values()
        }
        self.kernels: dict[str, type[Kernel]] = self.plugins.collect(
            "llm_repl_kernels", lambda found: _usable(found, Kernel).name
        )
        self.formats: dict[str, type[Format]] = self.plugins.collect(
            "llm_repl_formats", lambda found: _usable(found, Format).suffix
        )
        self.providers = Providers(
            self.plugins.collect("llm_repl_providers", lambda found: _usable(found, Provider).name),
            keys=self.keys,
            choice=ProviderChoice(
                name=self.settings.provider,
                model=self.settings.model,
                base_url=self.settings.base_url,
                reasoning_effort=self.settings.reasoning_effort,
            ),
            timeout_s=self.settings.provider_timeout_s,
            options=self.settings.provider_options,
            custom=custom_providers or CustomProviders(self.settings.custom_providers),
        )
        self.prices = Prices(self.settings.prices)
        self._limits = limits or ProviderLimits(self.settings.provider_concurrency)

    def open_live(
        self,
        notebook: Notebook,
        *,
        kernel: Kernel,
        ledger: Ledger,
        providers: Providers | None = None,
        run_meter: BudgetMeter | None = None,
    ) -> LiveSession:
        """Give a notebook a kernel, for code that runs in the engine's loop itself, as a server's.

        Args:
            notebook: The notebook.
            kernel: Its kernel.
            ledger: Where calls are recorded.
            providers: Those of another loop, with limits of their own; None: the application's,
                which all notebooks that are opened so share, with their limits.
            run_meter: Counts what runs with a budget spend together with those of other notebooks;
                None: each run has a budget of its own.
        """
        limits = self._limits
        if providers is None:
            providers = self.providers
        else:
            limits = ProviderLimits(self.settings.provider_concurrency)
        cost_bounds = CostBounds(providers, self.prices)
        return LiveSession(
            notebook,
            kernel=kernel,
            cell_types=self._executors,
            model_caller=ModelCaller(
                providers,
                self.plugins,
                limits=limits,
                ledger=ledger,
                retry_policy=RetryPolicy(attempts=self.settings.call_attempts),
                prices=self.prices,
                cost_bounds=cost_bounds,
            ),
            policies=CallPolicies(
                ledger,
                self.prices,
                self.settings.run_concurrency,
                speculate=self.settings.speculate,
                cost_bounds=cost_bounds,
                run_meter=run_meter,
            ),
            plugins=self.plugins,
            cell_timeout_s=self.settings.cell_timeout_s,
        )

    def make_kernel(
        self,
        notebook: Notebook,
        chosen: str | None = None,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Kernel:
        """The kernel that a notebook gets, not started.

        Args:
            notebook: See `kernel_name`.
            chosen: What goes before what it names.
            cwd: The folder that the code runs in; the process's own where None.
            env: Environment variables added to the code's own.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        choice = self.choose_kernel(notebook, chosen)
        return choice.make(self.kernel_options(cwd=cwd, env=env))

    def kernel_name(self, notebook: Notebook, chosen: str | None = None) -> str:
        """The kernel that a notebook gets.

        Args:
            notebook: It may name one under ``metadata.llm_repl.kernel``; else the settings do.
            chosen: What goes before both.
        """
        return chosen or notebook.preference("kernel") or self.settings.kernel

    def choose_kernel(self, notebook: Notebook, chosen: str | None = None) -> KernelChoice:
        """The kind of kernel that a notebook gets.

        One whose code is in another language gets a Jupyter kernel of that language, where there
        is one.

        Args:
            notebook: See `kernel_name`.
            chosen: What goes before what it names.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        kernel_class = self.kernel_class(self.kernel_name(notebook, chosen))
        language = notebook_language(notebook.metadata)
        if kernel_class is JupyterKernel:
            decided = self.settings.kernelspec is not None
        else:
            decided = kernel_class.language is not Kernel.language  # a plugin's may run others
        if language == PYTHON or decided:
            return KernelChoice(kernel_class)
        found = find_kernelspec(kernelspec_name(notebook.metadata), language)
        return KernelChoice(kernel_class) if found is None else KernelChoice(JupyterKernel, found)

    def kernel_class(self, name: str) -> type[Kernel]:
        """The kernels of that name.

        Raises:
            KernelNotFound: There are none.
        """
        kernel_class = self.kernels.get(name)
        if kernel_class is None:
            raise KernelNotFound(
                f"There is no kernel `{name}`; installed are {', '.join(self.kernels)}."
                f"{did_you_mean(name, self.kernels)}"
            )
        return kernel_class

    def kernel_options(
        self, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> KernelOptions:
        """What the settings say that a kernel may use; no variable that holds a key is in it.

        Args:
            cwd: The folder that the code runs in; the process's own where None.
            env: Variables added to the code's environment.
        """
        settings = self.settings
        limit = settings.kernel_memory_limit_bytes
        return KernelOptions(
            cwd=None if cwd is None else str(cwd),
            env=dict(env or {}),
            output_limit_bytes=settings.cell_output_limit_bytes,
            insert_limit_chars=settings.insert_limit_chars,
            memory_limit_bytes=default_memory_limit_bytes() if limit is None else limit,
            preload=settings.kernel_preload,
            kernelspec=settings.kernelspec,
            withheld_variables=tuple(filter(None, self.providers.key_variables().values())),
        )

    def format_for(self, name: str) -> Format:
        """The format of a file, by its ending.

        Raises:
            InvalidInput: No format has that ending; the message says which there are.
        """
        suffix = Path(name).suffix.lower()
        format_class = self.formats.get(suffix)
        if format_class is None:
            raise InvalidInput(
                f"`{Path(name).name}` must end in one of {', '.join(self.formats)}: "
                "the ending picks the format."
            )
        notebook_format = format_class(self.cell_types)
        notebook_format.answer_price_usd = self.prices.answer_price_usd
        return notebook_format

    def readable_formats(self) -> list[str]:
        """The endings of files that notebooks can be read from."""
        return [suffix for suffix, found in self.formats.items() if found.is_readable]

    def load(self, path: Path, *, under: Path | None = None) -> Notebook:
        """Read a notebook from a file.

        Args:
            path: The file.
            under: The folder that no link may lead out of; the path is one that
                `llm_repl_core.files.resolve_under` gave for it.

        Raises:
            FileMissing: There is none.
            Forbidden: It is not under ``under`` any more.
            InvalidInput: The ending is unknown, or it is no plain file.
            InvalidNotebook: It is not a file of the format that its ending names; the message
                names the file.
        """
        self.format_for(path.name)
        file = read_file(path, NOTEBOOK_LIMIT_BYTES, under=under)
        # A file's name may hold bytes that are no text.
        name = path.name.encode("utf-8", "replace").decode()
        modified_at = datetime.fromtimestamp(file.modified_at_s, UTC)
        try:
            return self.decode(name, file.data, modified_at=modified_at)
        except InvalidNotebook as error:
            reason = str(error)
            raise InvalidNotebook(
                f"{shown_path(path, under)} cannot be used: {reason[:1].lower()}{reason[1:]}"
            ) from error

    def decode(
        self, file_name: str, data: bytes, *, modified_at: datetime | None = None
    ) -> Notebook:
        """Make a notebook of what a file holds.

        Args:
            file_name: Its name, whose ending picks the format.
            data: What it holds.
            modified_at: When it was written; None: now.

        Raises:
            InvalidInput: The ending is unknown.
            InvalidNotebook: It is not a file of the format that its ending names.
        """
        notebook_format = self.format_for(file_name)
        notebook_format.default_name = Path(file_name).stem or DEFAULT_NAME
        notebook_format.modified_at = modified_at or datetime.now(UTC)
        notebook = notebook_format.decode(self.providers.redactor.data(data))
        edited = [cell.id for cell in notebook if cell.stale and cell.status == "idle"]
        if edited:
            # Perhaps elsewhere, where nobody knew what depends on it.
            dependencies = Dependencies(notebook)
            for cell_id in edited:
                dependencies.mark_changed(cell_id)
        return notebook

    def save(
        self,
        notebook: Notebook,
        path: Path,
        *,
        under: Path | None = None,
        expected: FileSignature | None = None,
    ) -> FileSignature:
        """Write a notebook to a file: the whole of it or nothing.

        Args:
            notebook: The notebook.
            path: The file.
            under: The folder that no link may lead out of, as in `load`; folders in it that do
                not exist yet are made.
            expected: How the file must be, as in `write_atomically`.

        Returns:
            How the file is with the notebook in it.

        Raises:
            Conflict: The file is not as expected, and is left as it is.
            Forbidden: It is not under ``under`` any more.
            InvalidInput: The ending is unknown.
            StorageError: It cannot be written; a file that was there is untouched.
        """
        data = self.encode(notebook, path.name)
        return write_atomically(path, data, under=under, expected=expected)

    def encode(self, notebook: Notebook, file_name: str) -> bytes:
        """What a file holds that a notebook is saved to; no provider's key is in it.

        Args:
            notebook: The notebook.
            file_name: The file's name, whose ending picks the format.

        Raises:
            InvalidInput: The ending is unknown, or the format has no place for something.
        """
        return self.providers.redactor.data(self.format_for(file_name).encode(notebook))

    def _claim_cell_type(self, cell_type: CellType) -> str:
        self.cell_types.add(cell_type.cell_class)
        return cell_type.cell_class.type


def _usable(found: Any, base: type) -> Any:
    """What a plugin brought, where it is a class that can be used as a ``base``."""
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"{found!r} is not a subclass of {base.__name__}")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"the class {found.__name__} lacks {', '.join(missing)}")
    return found


def load_notebook(path: str | Path) -> Notebook:
    """Read a notebook from a file, whose ending picks the format.

    Raises:
        LLMReplError: See `Application.load`.
    """
    return Application().load(Path(path))


def save_notebook(notebook: Notebook, path: str | Path) -> None:
    """Write a notebook to a file, whose ending picks the format.

    Raises:
        LLMReplError: See `Application.save`.
    """
    Application().save(notebook, Path(path))
