"""The line below the input: who answers, what would be sent, what it may cost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llm_repl_server.cli.terminal_text import display_width, format_price, one_line

if TYPE_CHECKING:
    from llm_repl_server.repl.names import KnownNames
    from llm_repl_server.repl.target import ReplTarget

__all__ = ["StatusKeeper", "status_text"]

_PAUSE_S = 0.12
"""How long nothing is typed before what it would cost is looked up."""
_UNSETTLED_S = 0.5
"""After which time it is looked again at a kernel that is about to be ready."""


class Status:
    """What the line says.

    Attributes:
        model: Who answers.
        tokens: About how many a prompt that is being typed would send; None: none is.
        price_usd: What it may cost at most; None: that is not known.
        has_price: Whether that was looked up.
        problem: Why it would not be sent.
        spent_usd: What the notebook's calls have cost.
        limit_usd: What they may; None: there is no limit.
        kernel: What the kernel does, in a word.
    """

    model: str = ""
    tokens: int | None = None
    price_usd: float | None = None
    has_price: bool = False
    problem: str = ""
    spent_usd: float = 0.0
    limit_usd: float | None = None
    kernel: str = "starting"


def status_text(mode: str, status: Status, columns: int) -> str:
    """The line, of at most so many columns: what matters least is left out first.

    Args:
        mode: What the input is, in a word.
        status: What there is to say.
        columns: How wide the terminal is.
    """
    call = []
    if status.tokens is not None:
        call = [f"{status.tokens:,} tokens"]
        if status.has_price:
            call.append(
                "no price" if status.price_usd is None else f"≤ {format_price(status.price_usd)}"
            )
    limit = "" if status.limit_usd is None else f" of {format_price(status.limit_usd)}"
    spent = f"spent {format_price(status.spent_usd)}{limit}"
    parts: Sequence[tuple[int, str]] = [
        (1, mode),
        (3, status.model),
        *((2, words) for words in call),
        (4, status.problem),
        (5, spent),
        (6, f"kernel {status.kernel}"),
    ]
    kept = [(rank, words) for rank, words in parts if words]
    while len(kept) > 1 and display_width(" · ".join(words for _, words in kept)) > columns:
        kept.remove(max(kept))
    return one_line(" · ".join(words for _, words in kept), columns)


class StatusKeeper:
    """Looks up what the line says, in a thread of its own, so that nobody who types waits for it.

    Args:
        on_change: Called when the line says something else.
        on_names: Called when there are other variables.
    """

    def __init__(self, on_change: Callable[[], object], on_names: Callable[[], object]) -> None:
        self.status = Status()
        self._on_change = on_change
        self._on_names = on_names
        self._target: ReplTarget | None = None
        self._names: KnownNames | None = None
        self._draft: tuple[str, dict[str, Any]] | None = None
        self._wanted = threading.Event()
        self._looks_at_all = False
        self._running = threading.Lock()
        """Held while something is looked up, and while a run has the notebook."""
        self._ended = False
        self._thread: threading.Thread | None = None

    def begin(self, target: ReplTarget, names: KnownNames) -> None:
        """Look at a notebook from now on."""
        self._target, self._names = target, names
        self.status = Status()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="status-line", daemon=True)
            self._thread.start()
        self.look_again()

    def pause(self) -> None:
        """Look at nothing while something runs; returns when nothing is looked at."""
        self._running.acquire()

    def resume(self) -> None:
        """Look again at what there is."""
        self._running.release()
        self.look_again()

    def look_again(self) -> None:
        """Something has changed."""
        self._looks_at_all = True
        self._wanted.set()

    def type(self, prompt: str | None, options: dict[str, Any]) -> None:
        """Say which prompt is being typed; None: none."""
        draft = None if prompt is None else (prompt, dict(options))
        if draft != self._draft:
            self._draft = draft
            if draft is None:
                self.status.tokens = None
            self._wanted.set()

    def end(self) -> None:
        """Look at nothing any more; returns when nothing is looked at."""
        self._ended = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _work(self) -> None:
        while True:
            is_settled = self.status.kernel == "idle"
            if not self._wanted.wait(None if is_settled else _UNSETTLED_S):
                self._looks_at_all = True
            if self._ended:
                return
            self._wanted.clear()
            if self._draft is not None and not self._looks_at_all:
                threading.Event().wait(_PAUSE_S)
            with self._running:
                self._look()
            self._on_change()

    def _look(self) -> None:
        from contextlib import suppress

        from llm_repl_core import LLMReplError

        target, names, status = self._target, self._names, self.status
        if target is None or names is None:
            return
        with suppress(LLMReplError):
            if self._looks_at_all:
                self._looks_at_all = False
                status.model = target.model()
                status.kernel = target.kernel_state()
                budget, status.spent_usd = target.spending()
                status.limit_usd = None if budget is None else budget.usd
                if status.kernel == "idle" and names.refresh(target):
                    self._on_names()
        with suppress(LLMReplError):
            draft = self._draft
            if draft is None:
                status.tokens = None
                return
            found = target.preview_line(draft[0], **draft[1])
            status.tokens, status.price_usd = found.input_tokens, found.price_usd
            status.has_price = True
            status.problem = next(iter(found.problems), "")
            status.model = f"{found.provider}/{found.model}"
