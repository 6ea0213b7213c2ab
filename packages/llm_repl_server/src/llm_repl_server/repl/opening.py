"""Opens notebooks for the terminal: named ones, and one that nobody has named yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from llm_repl_core import Application
    from llm_repl_server.cli.early_kernel import EarlyKernel
    from llm_repl_server.repl.local_target import LocalTarget
    from llm_repl_server.repl.target import ReplTarget

__all__ = ["LocalOpener", "Opener", "ReplChoices"]


class Opener(Protocol):
    """Opens notebooks for the terminal.

    Attributes:
        notices: What is to be said of what was opened.
        ask_above_usd: Above which price it is asked first; None: never.
        is_unchosen: Whether nobody has chosen who answers, so that it is the mock.
    """

    notices: list[str]
    ask_above_usd: float | None
    is_unchosen: bool

    def open(self, place: str | None = None) -> ReplTarget:
        """Open a notebook; None: the one that was named at the beginning.

        Raises:
            LLMReplError: It cannot be used.
        """


class ReplChoices(NamedTuple):
    """What the command line says.

    Attributes:
        notebook: The notebook's file; None: none is named.
        kernel: The kernel.
        provider: Who answers where the notebook does not say it.
        model: That provider's model.
        base_url: That provider's address.
        use_log: Whether calls are kept in the log.
        keeps_scratch: Whether a notebook that nobody has named is kept.
    """

    notebook: Path | None = None
    kernel: str | None = None
    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    use_log: bool = True
    keeps_scratch: bool = True


class LocalOpener:
    """Opens notebooks in this process. What it imports takes its time.

    Args:
        choices: What the command line says.
        on_exit: Ends at the end of the command what the first kernel is made from.

    Attributes:
        notices: What is to be said of what was opened.
        ask_above_usd: Above which price it is asked first, as the settings have it.
        is_unchosen: Whether nobody has chosen who answers, so that it is the mock.
    """

    def __init__(self, choices: ReplChoices, on_exit: ExitStack) -> None:
        self._choices = choices
        self._on_exit = on_exit
        self._has_opened = False
        self._application: Application | None = None
        self.notices: list[str] = []
        self.ask_above_usd: float | None = None
        self.is_unchosen = False

    def open(self, place: str | None = None) -> LocalTarget:
        """Open a notebook; where no file is there yet, it is a new one.

        Args:
            place: Its file; None: the one of the command line, or one without a name.

        Raises:
            LLMReplError: It cannot be used.
        """
        early: EarlyKernel | None = None
        if not self._has_opened:
            # Before all that is imported, which takes as long.
            from llm_repl_server.cli.early_kernel import EarlyKernel

            early = self._on_exit.enter_context(EarlyKernel(self._choices.kernel))
        self._has_opened = True
        from datetime import datetime
        from pathlib import Path

        from llm_repl_core import InvalidInput, Notebook
        from llm_repl_server.repl.local_target import LocalTarget
        from llm_repl_server.repl.notebook_file import NotebookFile, scratch_path
        from llm_repl_server.settings import data_folder

        application = self._prepared()
        chosen = self._choices.notebook if place is None else Path(place).expanduser()
        file: NotebookFile | None = None
        if chosen is None:
            now = datetime.now()
            notebook = Notebook(name=f"Terminal, {now:%Y-%m-%d %H:%M}")
            if self._choices.keeps_scratch:
                path = scratch_path(data_folder(), now)
                file = NotebookFile(application, path, is_scratch=True)
        else:
            if chosen.is_dir():
                raise InvalidInput(f"{chosen} is a folder; name a notebook's file.")
            file = NotebookFile(application, chosen)
            if chosen.exists():
                notebook = file.load()
                self.notices.extend(notebook.notices)
            elif not chosen.absolute().parent.is_dir():
                raise InvalidInput(f"There is no folder {chosen.parent}.")
            else:
                notebook = Notebook(name=chosen.stem)
        kernel = self._choices.kernel if early is None else early.kernel(application, notebook)
        target = LocalTarget(
            application, notebook, file, kernel=kernel, use_log=self._choices.use_log
        )
        target.start_kernel()
        return target

    def _prepared(self) -> Application:
        if self._application is None:
            from llm_repl_core import Application, load_settings
            from llm_repl_server.cli.provider_choice import choose_by_model
            from llm_repl_server.settings import ServerSettings

            choices = self._choices
            flags = {
                "provider": choices.provider,
                "model": choices.model,
                "base_url": choices.base_url,
            }
            settings = load_settings(ServerSettings, flags=flags)
            application = Application(settings)
            choose_by_model(
                application,
                provider=choices.provider,
                model=choices.model,
                base_url=choices.base_url,
            )
            self.is_unchosen = settings == load_settings(ServerSettings) and (
                application.providers.choice.name == ServerSettings().provider
            )
            self.ask_above_usd = settings.ask_above_usd
            self._application = application
        return self._application
