"""The terminal session: an input, what it gives, and the next."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from llm_repl_server import __version__
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.repl.completion import InputCompleter
from llm_repl_server.repl.highlighting import InputLexer
from llm_repl_server.repl.input import PrivateHistory, ReplInput
from llm_repl_server.repl.modes import InputMode, TypedLine, mode_of, read_line
from llm_repl_server.repl.session_loop import CellLoop, about
from llm_repl_server.repl.status_line import StatusKeeper, status_text

if TYPE_CHECKING:
    from pathlib import Path

    from llm_repl_server.repl.names import KnownNames
    from llm_repl_server.repl.opening import Opener
    from llm_repl_server.repl.target import News, ReplTarget, RunChoice

__all__ = ["Repl"]

_HISTORY = "repl-history"


class Repl(CellLoop):
    """Talks with somebody at a terminal.

    Args:
        opener: Opens notebooks.
        plain: For screen readers: nothing is drawn that goes away again.
    """

    def __init__(self, opener: Opener, *, plain: bool) -> None:
        super().__init__(
            plain=plain, open_other=opener.open, is_unchosen=lambda: opener.is_unchosen
        )
        self._opener = opener
        self._opened: Future[ReplTarget] = Future()
        self._is_opening = False
        self._names: KnownNames | None = None
        self._followed: ReplTarget | None = None
        self._news: SimpleQueue[News] = SimpleQueue()
        self._status = StatusKeeper(
            on_change=lambda: self._input.redraw(), on_names=lambda: self._input.complete_anew()
        )
        history = PrivateHistory(_history_path)
        self._input = ReplInput(
            history=history,
            completer=lambda owner: InputCompleter(
                lambda: owner.effective_mode, self._context, lambda: self._names
            ),
            lexer=lambda owner: InputLexer(lambda: owner.effective_mode, lambda: self._names),
            status=self._status_of,
            plain=plain,
            on_render=self._begin_opening,
        )
        history.owner = self._input

    @property
    def mode(self) -> InputMode:
        """See `CommandContext.mode`."""
        return self._input.mode

    def set_mode(self, mode: InputMode) -> None:
        """See `CommandContext.set_mode`."""
        self._input.mode = mode

    def talk(self, *, opens_first: bool) -> None:
        """Read and run until somebody leaves.

        Args:
            opens_first: Whether the notebook is opened before the first input, as somebody has
                named it.

        Raises:
            LLMReplError: The notebook cannot be used.
        """
        echo(f"LLM-REPL {__version__} · /help · Ctrl-D leaves")
        if opens_first:
            self._open_first()
            self._opened.result()
            self._take_opened()
            self.say(about(self.target))
        try:
            with self.keyboard, _ended_by_signals():
                while self._take_next():
                    pass
        finally:
            self._leave()

    def open(self, place: str) -> None:
        """See `CommandContext.open`."""
        self._status.pause()
        try:
            super().open(place)
        finally:
            self._status.resume()
        self._begin_with(self.target)

    def share(self) -> str:
        """See `CommandContext.share`."""
        self._status.pause()
        try:
            address = super().share()
        finally:
            self._status.resume()
        self._begin_with(self.target)
        return address

    def note_change(self) -> None:
        """See `CommandContext.note_change`."""
        super().note_change()
        self._input.number = len(self.target.cells()) + 1
        self._status.look_again()

    def _run(self, choice: RunChoice, *, titles: bool) -> bool:
        self._status.pause()
        try:
            return super()._run(choice, titles=titles)
        finally:
            self._status.resume()

    # One line --------------------------------------------------------------------------------

    def _take_next(self) -> bool:
        """Take the next line; whether there may be another."""
        self._print_news()
        try:
            text, mode = self._input.read()
        except KeyboardInterrupt:
            return True
        except EOFError:
            return not self._may_leave()
        self._status.type(None, {})
        try:
            names = self._names.variables if self._names is not None else ()
            entry = read_line(text, mode, names)
            self._input.take_ctrl_c()
            if entry is not None:
                self._wait_until_open()
                self._take(entry)
        except KeyboardInterrupt:
            echo("Stopped.")
        except EOFError:
            return not self._may_leave()
        return True

    def _take(self, entry: TypedLine) -> None:
        for notice in self._opener.notices:
            self.say(notice)
        self._opener.notices.clear()
        self.take(entry)

    def _may_leave(self) -> bool:
        if self.unsaved and self._opened.done():
            self.note(f"The notebook is not saved: {self.unsaved}")
            return self.confirm("Leave all the same?")
        return True

    # The notebook ----------------------------------------------------------------------------

    def _begin_opening(self) -> None:
        """Open the notebook, now that somebody can type already."""
        if not self._is_opening and not self._opened.done():
            self._is_opening = True
            threading.Thread(target=self._open_in_thread, name="open", daemon=True).start()

    def _open_in_thread(self) -> None:
        self._open_first()
        error = self._opened.exception()
        if error is None:
            self._begin_with(self._opened.result())
        else:
            self._input.leave(error)

    def _open_first(self) -> None:
        try:
            self._opened.set_result(self._opener.open())
        except BaseException as error:  # noqa: BLE001  it is raised where somebody waits
            self._opened.set_exception(error)

    def _wait_until_open(self) -> None:
        self._begin_opening()  # a dumb terminal does not say when an input is shown
        while not hasattr(self, "target"):
            try:
                self._opened.result(timeout=0.2)
            except TimeoutError:
                continue
            self._take_opened()

    def _take_opened(self) -> None:
        if not hasattr(self, "target"):
            self.target = self._opened.result()
            self.ask_above_usd = self._opener.ask_above_usd
            self._begin_with(self.target)

    def _begin_with(self, target: ReplTarget) -> None:
        from llm_repl_server.repl.names import KnownNames

        if self._names is None:
            self._names = KnownNames()
        self._input.number = len(target.cells()) + 1
        self._status.begin(target, self._names)
        if target is not self._followed:
            self._followed = target
            target.follow(self._hear)

    def _hear(self, news: News) -> None:
        self._news.put(news)
        self._input.interject(self._print_news)

    def _print_news(self) -> None:
        """Print what others have done since the last time."""
        with suppress(Empty):
            while True:
                news = self._news.get_nowait()
                if news.text:
                    self.note(news.text)
                for output in news.outputs:
                    self.cells.output(output)
                cells = self.target.cells()
                for output in next((cell.outputs for cell in cells if cell.id == news.cell_id), ()):
                    self.cells.output(output)
                self._input.number = len(cells) + 1

    def _context(self) -> CellLoop | None:
        return self if hasattr(self, "target") or self._opened_well() else None

    def _opened_well(self) -> bool:
        if not self._opened.done() or self._opened.exception() is not None:
            return False
        self.target = self._opened.result()
        return True

    def _status_of(self, text: str, mode: InputMode) -> str:
        found = mode_of(text, mode)
        prompt = None
        if found is InputMode.PROMPT and text.strip() and not text.startswith("/"):
            prompt = text.strip().removeprefix("?").strip()
        self._status.type(prompt or None, {**self.prompt_options, **self.next_options})
        return status_text(found.value, self._status.status, shutil.get_terminal_size().columns)

    def _leave(self) -> None:
        self._status.end()
        if not self._opened_well():
            return
        try:
            self.note_change()
            if self.target.cells() and self.target.place and not self.unsaved:
                self.say(f"The notebook is {self.target.place}")
        finally:
            self.end()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Leave in order where the terminal is closed, or somebody ends the process."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    numbers = [signal.SIGTERM]
    if sys.platform != "win32":
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _history_path() -> Path:
    # Imported here: the first input does not wait for it.
    from llm_repl_server.settings import data_folder

    return data_folder() / _HISTORY
