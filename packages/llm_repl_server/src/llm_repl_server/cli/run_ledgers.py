"""Where the calls of a run are kept, and where its answers come from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from llm_repl_core import (
    Application,
    CallRecord,
    CodeCell,
    InvalidInput,
    Ledger,
    LLMReplError,
    MarkdownCell,
    MemoryCell,
    MemoryLedger,
    Notebook,
    PromptCell,
    Settings,
)
from llm_repl_core.engine.notebook_preferences import noted_mode
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.files import refuse_unwritable
from llm_repl_core.ledger.record import Mode
from llm_repl_core.settings import check_address
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.log_ledger import LogLedger

if TYPE_CHECKING:
    from llm_repl_core.engine.providers import Providers
    from llm_repl_core.ledger.base import UnpricedCalls
    from llm_repl_core.ledger.recordings import Changes, RecordedDefaults, RecordingsLedger

__all__ = ["RunLedgers"]

_NEVER_CALL = frozenset({CodeCell, MarkdownCell, MemoryCell})
"""The types of cells that ask no model; one of a plugin may."""

_GO_ON = "Run the notebook again with `--reuse` to ask for those only."
_NOTHING_KEPT = "The calls of this run are not kept, so that another run asks for all of them."


class RunLedgers:
    """The recordings beside a notebook, the log, or both. A context manager around the run.

    A replay uses the recordings alone, so that it needs nothing but the two files.

    Args:
        path: The notebook's file.
        notebook: The notebook.
        mode: What the command line says; None: what the notebook says.
        keep: Whether to write the recordings.
        use_log: Whether to keep calls in the log.
        opens_log_early: Whether to open the log before the first call, where there are prompts.
        how_to_record: What to do about what a replay misses; a sentence.
        how_to_go_on: How to ask only for the items that have no answer; a sentence.
        warn: As for `LogLedger`.

    Attributes:
        ledger: For the session.
        mode: Of the run: what the command line says, else the notebook.

    Raises:
        InvalidInput: A replay was to be recorded.
        InvalidRecordings: The file beside the notebook does not hold recordings.
    """

    def __init__(
        self,
        path: Path,
        notebook: Notebook,
        *,
        mode: Mode | None,
        keep: bool = False,
        use_log: bool = True,
        opens_log_early: bool = True,
        how_to_record: str = "",
        how_to_go_on: str = _GO_ON,
        warn: Callable[[str], object] | None = None,
    ) -> None:
        self._notebook = notebook
        self._path = path
        self.mode: Mode = noted_mode(notebook.own_metadata, mode)
        self._keeps = False
        self._log = LogLedger(warn) if use_log and self.mode != "replay" else None
        self._recordings: RecordingsLedger | None = None
        self._defaults: RecordedDefaults | None = None
        self._on_exit = ExitStack()
        has_prompts = any(isinstance(cell, PromptCell) for cell in notebook)
        self._opens_log_early = opens_log_early and has_prompts
        if self.mode == "replay" and keep:
            raise InvalidInput("A replay makes no calls, so --record has nothing to record.")
        if any(type(cell) not in _NEVER_CALL for cell in notebook):
            self._load_recordings(keep=keep)
        ledgers = [ledger for ledger in (self._log, self._recordings) if ledger is not None]
        self.ledger = _RunLedger(
            ledgers or [MemoryLedger()],
            is_kept=self._keeps,
            how_to_record=how_to_record,
            how_to_go_on=how_to_go_on,
        )

    def count_calls(self, count: Callable[[CallRecord], None]) -> None:
        """Have something called with each call that has its answer, or none, in the engine's loop."""
        self.ledger.count = count

    def __enter__(self) -> Self:
        if self._log is not None:
            self._on_exit.enter_context(self._log)
            if self._opens_log_early:
                self._log.prepare()
        return self

    def __exit__(self, *_: object) -> None:
        self._on_exit.close()

    def choose_provider(
        self,
        application: Application,
        *,
        provider: str | None,
        model: str | None,
        base_url: str | None = None,
    ) -> None:
        """Have those asked who were when the calls were recorded, but for what the user says.

        Args:
            application: Whose choice is made.
            provider: What the command line says.
            model: What the command line says.
            base_url: What the command line says.

        Raises:
            ProviderNotFound: There is no provider of the name in the recordings.
            InvalidInput: The address of the command line would be another provider's.
            InvalidSetting: The address in the recordings is none, or holds a key.
        """
        if self._recordings is None:
            return
        from llm_repl_core.ledger.recordings import RecordedDefaults  # loaded with them

        providers = application.providers
        recorded = self._recordings.defaults
        # A model stands behind its provider, and means nothing to another one.
        if (
            self.mode != "live"
            and recorded.provider is not None
            and provider in (None, recorded.provider)
        ):
            address = providers.choice.base_url
            # An address that was set for another provider must not get this one's key.
            if providers.choice.name not in (recorded.provider, Settings().provider):
                if base_url is not None:
                    raise InvalidInput(
                        f"--base-url says where `{providers.choice.name}` is, and the recordings "
                        f"are of `{recorded.provider}`: name the provider too, as in --provider "
                        f"{recorded.provider}."
                    )
                address = None
            providers.choose(
                ProviderChoice(
                    name=recorded.provider,
                    model=model or recorded.model,
                    base_url=address,
                    reasoning_effort=recorded.reasoning_effort,
                )
            )
            if provider is None and base_url is None:
                self._keep_address(providers, recorded.base_url)
        if self._keeps:
            self._defaults = RecordedDefaults(
                provider=providers.choice.name,
                model=providers.choice.model,
                base_url=_address_of(providers),
                reasoning_effort=providers.choice.reasoning_effort,
            )

    def _keep_address(self, providers: Providers, recorded: str | None) -> None:
        """Ask the server that was asked when the calls were recorded, and no other.

        What was meant for a server of one's own must not leave for another one. A file may come
        from anybody, so that its address gets no key but one that is kept for it.
        """
        if recorded is None or self.mode == "replay" or self._recordings is None:
            return
        check_address(recorded, f"The `base_url` in the first line of {self._recordings.path}")
        if (_address_of(providers) or "").rstrip("/") != recorded.rstrip("/"):
            providers.choose(
                msgspec.structs.replace(providers.choice, base_url=recorded, trusted_url=False)
            )

    def save(self) -> None:
        """Write the recordings, where they are to be kept.

        Raises:
            LLMReplError: They cannot be written; the file is as it was.
        """
        notebook_failure = sys.exception()
        try:
            self._save()
        except LLMReplError:
            # Only the last error of a command is told, and neither file is there.
            if isinstance(notebook_failure, LLMReplError):
                echo(f"Error: {notebook_failure}", err=True)
            raise

    def _save(self) -> None:
        recordings = self._recordings
        if recordings is None or not self._keeps:
            return
        # A record that was read from the file names no notebook.
        has_asked = any(
            record.source == "live" and record.notebook_id for record in recordings.records
        )
        is_new = recordings.defaults.provider is None
        changes = recordings.save(
            recordings.path,
            self._notebook,
            defaults=self._defaults if has_asked or is_new else None,
        )
        for sentence in _told(changes):
            echo(f"{recordings.path.name}: {sentence}", fg="yellow", err=True)

    def _load_recordings(self, *, keep: bool) -> None:
        # Imported here: most notebooks of code alone are run to see them end soon.
        from llm_repl_core.ledger.recordings import RecordingsLedger, recordings_path

        path = recordings_path(self._path)
        exists = path.exists()
        self._keeps = keep
        if self._keeps:
            refuse_unwritable(path)  # better told before the calls cost something
        if self._keeps or self.mode == "replay" or (self.mode == "reuse" and exists):
            self._recordings = RecordingsLedger.load(path)


class _RunLedger(Ledger):
    """What a run writes to and reads from: the log, the recordings beside the notebook, or both.

    The answers of those that come later go before. What the log has besides the recordings are
    the calls of runs that were cut off before they were saved.

    Args:
        ledgers: One or more.
        is_kept: Whether the last one is written to a file at the end.
        how_to_record: As for `RunLedgers`.
        how_to_go_on: As for `RunLedgers`.
    """

    def __init__(
        self, ledgers: Sequence[Ledger], *, is_kept: bool, how_to_record: str, how_to_go_on: str
    ) -> None:
        self._ledgers = ledgers
        self._is_kept = is_kept
        self._how_to_record = how_to_record
        self._how_to_go_on = how_to_go_on
        self.count: Callable[[CallRecord], None] = lambda _record: None

    async def begin(self, record: CallRecord) -> None:
        if record.source != "live":
            self.count(record)  # what is taken from the record has no end
        for ledger in self._ledgers:
            await ledger.begin(record)

    async def end(self, record: CallRecord) -> None:
        self.count(record)
        for ledger in reversed(self._ledgers):
            await ledger.end(record)

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        return _joined([await ledger.answers(notebook_id, identity) for ledger in self._ledgers])

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        return _joined([await ledger.answered(notebook_id) for ledger in self._ledgers])

    async def outline(self, notebook_id: str) -> Sequence[CallRecord]:
        return _joined([await ledger.outline(notebook_id) for ledger in self._ledgers])

    async def latest(self, notebook_id: str, limit: int) -> Sequence[CallRecord]:
        found = _joined([await ledger.latest(notebook_id, limit) for ledger in self._ledgers])
        return sorted(found, key=lambda record: record.started_at)[-limit:]

    async def find(self, notebook_id: str, call_ids: Sequence[str]) -> Sequence[CallRecord]:
        return _joined([await ledger.find(notebook_id, call_ids) for ledger in self._ledgers])

    async def unpriced(self, notebook_id: str) -> Sequence[UnpricedCalls]:
        return await self._ledgers[0].unpriced(notebook_id)

    async def spent(self, notebook_id: str) -> tuple[int, int, float]:
        return await self._ledgers[0].spent(notebook_id)

    def how_to_record(self) -> str:
        return self._how_to_record or self._ledgers[-1].how_to_record()

    def how_to_go_on(self) -> str:
        log = self._ledgers[0]
        is_logged = isinstance(log, LogLedger) and log.is_kept
        return self._how_to_go_on if self._is_kept or is_logged else _NOTHING_KEPT

    def why_empty(self) -> str:
        return self._ledgers[-1].why_empty()


def _joined(found: Sequence[Sequence[CallRecord]]) -> Sequence[CallRecord]:
    """Each call once; where two answer the same question, the last one counts."""
    joined = list(found[0])
    for later in found[1:]:
        ids = {record.id for record in later}
        joined = [*(record for record in joined if record.id not in ids), *later]
    return joined


def _told(changes: Changes) -> Iterator[str]:
    """What somebody who wrote recordings should know that they have lost by it."""
    for (earlier, now), number in changes.replaced.items():
        yield f"{_answers(number)} of {earlier} were replaced by answers of {now}."
    if changes.gone:
        yield f"{_answers(changes.gone)} of cells that the notebook no longer has were left out."


def _answers(number: int) -> str:
    return "1 recorded answer" if number == 1 else f"{number} recorded answers"


def _address_of(providers: Providers) -> str | None:
    """Where the calls of the default provider go; None: to its own server."""
    try:
        return providers.get(providers.choice.name).server_address
    except LLMReplError:  # it is told where a call needs it
        return providers.choice.base_url
