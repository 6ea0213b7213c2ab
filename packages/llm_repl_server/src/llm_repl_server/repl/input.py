"""The one input at the end of the document: keys, history, modes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session, get_app, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, to_filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from llm_repl_server.cli.terminal_text import is_dumb
from llm_repl_server.repl.completion import completes_by_itself
from llm_repl_server.repl.modes import InputMode, mode_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PrivateHistory", "ReplInput"]

_STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse",
        "bottom-toolbar.text": "",
        "label": "bold",
        "unknown": "underline",
    }
)
_PREFIXES = {InputMode.PROMPT: "?", InputMode.MEMORY: ":", InputMode.SHELL: "!"}
_INDENT = "    "


class ReplInput:
    """Reads what somebody types.

    Args:
        history: What was typed before.
        completer: Knows what may follow.
        lexer: Colours what is typed.
        status: The line below, given what is typed and what it is.
        plain: For screen readers: nothing but the input itself.
        on_render: Called once the first input is shown.

    Attributes:
        mode: What a line is that begins with no prefix.
        read_mode: What the line that was read last is without a prefix.
        number: Of the cell that it would become.
    """

    def __init__(
        self,
        *,
        history: History,
        completer: Callable[[ReplInput], Completer],
        lexer: Callable[[ReplInput], Lexer],
        status: Callable[[str, InputMode], str],
        plain: bool,
        on_render: Callable[[], object],
    ) -> None:
        self.mode = InputMode.PYTHON
        self.read_mode = InputMode.PYTHON
        self.number = 1
        self._status = status
        with _writing():
            self._session: PromptSession[str] = PromptSession(
                message=self._label,
                multiline=True,
                prompt_continuation=lambda width, _line, _wrapped: " " * width,
                history=history,
                auto_suggest=None if plain else _PrefixSuggest(self),
                completer=completer(self),
                complete_in_thread=True,
                complete_while_typing=Condition(lambda: not plain and self._shows_completions()),
                reserve_space_for_menu=6,
                lexer=None if plain else lexer(self),
                bottom_toolbar=None if plain else self._toolbar,
                key_bindings=_key_bindings(self),
                style=_STYLE,
                include_default_pygments_style=True,
                search_ignore_case=True,
                tempfile_suffix=".py",
            )
        # So that the status line stands below the input, and not at the bottom of the terminal.
        self._session.layout.current_window.dont_extend_height = to_filter(True)
        self._on_render: Callable[[], object] | None = on_render
        self._session.app.after_render += self._rendered

    @property
    def effective_mode(self) -> InputMode:
        """What the line is without a prefix: what comes from the history has its own."""
        buffer = self._session.default_buffer
        is_from_history = buffer.working_index != len(buffer._working_lines) - 1
        return InputMode.PYTHON if is_from_history else self.mode

    def read(self) -> tuple[str, InputMode]:
        """What is typed next, and what it is without a prefix.

        Raises:
            EOFError: Somebody wants to leave.
            KeyboardInterrupt: Ctrl-C was pressed on an empty line.
        """
        self.read_mode = self.mode
        # A signal is the event loop's to see to, which leaves by a KeyboardInterrupt, too: what is there
        # for it otherwise imports ctypes before the first input.
        text = self._session.prompt(handle_sigint=False)
        return text, self.read_mode

    def take_ctrl_c(self) -> None:
        """See to a Ctrl-C that was pressed right behind Enter, when it was a key and no signal yet.

        What was typed before it is forgotten, as what is typed ahead is by any Ctrl-C; else it stays
        for the next input.

        Raises:
            KeyboardInterrupt: It was.
        """
        given = self._session.app.input
        keys = [*get_typeahead(given), *given.read_keys()]
        if any(press.key == Keys.ControlC for press in keys):
            raise KeyboardInterrupt
        store_typeahead(given, keys)

    def redraw(self) -> None:
        """Show the line below as it is now; from any thread."""
        app = self._session.app
        if app.is_running:
            app.invalidate()

    def interject(self, show: Callable[[], None]) -> None:
        """Print something above the input, if somebody is typing; called by any thread.

        Args:
            show: Prints it; not called where there is no input now.
        """
        app = self._session.app
        loop = app.loop
        if loop is not None and app.is_running:
            loop.call_soon_threadsafe(lambda: app.is_running and run_in_terminal(show))

    def complete_anew(self) -> None:
        """Offer what may follow, where it is offered by itself: there is more now; from any thread."""
        app = self._session.app
        loop = app.loop
        if loop is not None and app.is_running:
            loop.call_soon_threadsafe(self._offer)

    def _offer(self) -> None:
        buffer = self._session.default_buffer
        is_chosen = buffer.complete_state is not None and buffer.complete_state.current_completion
        if buffer.complete_while_typing() and not is_chosen:
            buffer.start_completion(select_first=False)

    def leave(self, error: BaseException) -> None:
        """Have `read` raise an error; from any thread."""
        app = self._session.app
        loop = app.loop
        if loop is not None and app.is_running:
            loop.call_soon_threadsafe(lambda: app.exit(exception=error))

    def stored(self, text: str, mode: InputMode) -> str:
        """A line as the history has it: with the prefix that says what it is."""
        prefix = _PREFIXES.get(mode, "")
        return text if not prefix or text.startswith((prefix, "/")) else prefix + text

    def accept(self, buffer: Buffer) -> None:
        """Take the line as it is."""
        self.read_mode = self.effective_mode
        buffer.validate_and_handle()

    def _rendered(self, _app: object) -> None:
        on_render, self._on_render = self._on_render, None
        if on_render is not None:
            on_render()

    def _label(self) -> StyleAndTextTuples:
        mode = mode_of(self._session.default_buffer.text, self.effective_mode)
        return [("class:label", f"[{self.number}] {mode.label}> ")]

    def _toolbar(self) -> StyleAndTextTuples:
        buffer = self._session.default_buffer
        return [("", self._status(buffer.text, self.effective_mode))]

    def _shows_completions(self) -> bool:
        text = self._session.default_buffer.document.text_before_cursor
        return completes_by_itself(text, self.effective_mode)


def _writing() -> AbstractContextManager[object]:
    """Within it, inputs are made that write no escapes where the terminal shows those as they are."""
    if not is_dumb():
        return nullcontext()
    from prompt_toolkit.output.plain_text import PlainTextOutput

    return create_app_session(output=PlainTextOutput(sys.stdout))


class _PrefixSuggest(AutoSuggest):
    """Suggests the last line of the history that begins as this one, of the same mode."""

    def __init__(self, owner: ReplInput) -> None:
        self._owner = owner

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        text = document.text
        if not text.strip() or "\n" in text:
            return None
        wanted = self._owner.stored(text, self._owner.effective_mode)
        for line in reversed(buffer.history.get_strings()):
            if line.startswith(wanted) and len(line) > len(wanted):
                return Suggestion(line[len(wanted) :])
        return None


class PrivateHistory(FileHistory):
    """Lines in a file that others cannot read, each with the prefix that says what it is.

    Where there can be no file, they are kept as long as the terminal is used.

    Args:
        path: Says where the file is, once an input is shown.
    """

    def __init__(self, path: Callable[[], Path]) -> None:
        super().__init__("")
        self.owner: ReplInput | None = None
        self._path = path
        self._has_file: bool | None = None

    def load_history_strings(self) -> Iterable[str]:
        """See `FileHistory.load_history_strings`."""
        if not self._is_there():
            return ()
        try:
            return list(super().load_history_strings())
        except OSError:  # it was taken away meanwhile
            return ()

    def append_string(self, string: str) -> None:
        """See `FileHistory.append_string`."""
        owner = self.owner
        super().append_string(string if owner is None else owner.stored(string, owner.read_mode))

    def store_string(self, string: str) -> None:
        """See `FileHistory.store_string`."""
        if self._is_there():
            with suppress(OSError):  # the disk is full: what was typed runs all the same
                super().store_string(string)

    def _is_there(self) -> bool:
        if self._has_file is None:
            path = self._path()
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))
            except OSError:
                self._has_file = False
            else:
                self.filename, self._has_file = str(path), True
        return self._has_file


def _key_bindings(owner: ReplInput) -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def is_empty() -> bool:
        return not get_app().current_buffer.text

    @Condition
    def is_in_default() -> bool:
        return get_app().current_buffer is owner._session.default_buffer

    @keys.add("enter", filter=is_in_default)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion:
            buffer.complete_state = None
            return
        text = buffer.text
        mode = mode_of(text, owner.effective_mode)
        if mode is InputMode.PYTHON and not text.lstrip().startswith("/"):
            from llm_repl_server.repl.completeness import is_complete

            behind = buffer.document.text_after_cursor
            if behind.strip() or not is_complete(text):
                _break_line(buffer)
                return
        owner.accept(buffer)

    @keys.add("escape", "enter", filter=is_in_default)
    def _new_line(event: KeyPressEvent) -> None:
        _break_line(event.current_buffer)

    @keys.add("tab", filter=is_empty & is_in_default)
    def _next_mode(_event: KeyPressEvent) -> None:
        owner.mode = owner.mode.next()

    @keys.add("tab", filter=~is_empty & is_in_default)
    def _complete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if not buffer.document.current_line_before_cursor.strip():
            buffer.insert_text(_INDENT)
        elif buffer.complete_state:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("c-c", filter=~is_empty & is_in_default)
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    @keys.add("c-x", "c-e", filter=is_in_default)
    @keys.add("f2", filter=is_in_default)
    def _edit(event: KeyPressEvent) -> None:
        event.current_buffer.open_in_editor()

    return keys


def _break_line(buffer: Buffer) -> None:
    from llm_repl_server.repl.completeness import indent_after

    buffer.insert_text("\n" + indent_after(buffer.document.text_before_cursor))
