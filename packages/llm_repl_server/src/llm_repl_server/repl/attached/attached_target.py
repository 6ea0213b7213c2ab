"""A notebook that lives in a server, shared with the page and with other terminals."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llm_repl_core import Budget, Cell, Conflict, Event, InvalidInput, LLMReplError, Output
from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
from llm_repl_core.engine.forecast import RunForecast
from llm_repl_core.engine.notebook_preferences import check_preferences, preferred_budget
from llm_repl_core.engine.prompts.draft_preview import DraftPreview
from llm_repl_core.engine.prompts.preview import Preview
from llm_repl_core.execution.events import RunCompleted, RunFailed
from llm_repl_core.kernels.views import Completions, Inspected, VariableList
from llm_repl_core.model.ids import new_id
from llm_repl_server.cli.terminal_text import one_line
from llm_repl_server.repl.attached.mirror import Heard, Mirror
from llm_repl_server.repl.attached.rest import Rest, ServerUnreachable
from llm_repl_server.repl.target import CellKind, MadeCall, News, ReplTarget, RunChoice

if TYPE_CHECKING:
    from llm_repl_server.repl.attached.address import ServerAddress

__all__ = ["AttachedTarget", "attach"]

_UNDO_LIMIT = 200
_NEWS_COLUMNS = 60
_SENTENCES = {
    "kernel_restarted": "Somebody has restarted the kernel: its variables are gone.",
    "disconnected": "The server does not answer; it is tried again.",
    "read": "The server is back, and the notebook was read again.",
}
_WRITE_LIMIT_S = 1.0
"""How long after its answer a call may be written."""
_GONE_LIMIT_S = 60.0
"""How long a run is followed whose server does not answer."""


def attach(address: ServerAddress, token: str | None) -> AttachedTarget:
    """Join a notebook of a running server.

    Args:
        address: Which.
        token: What the server asks for; None: nothing.

    Raises:
        ServerUnreachable: Nobody answers.
        NotFound: There is no such notebook.
        InvalidInput: None was named, and there are several.
    """
    rest = Rest(address.base, token)
    try:
        target = AttachedTarget(rest, Mirror(rest, _find_notebook(rest, address.notebook)))
        target.open()
    except BaseException:
        rest.close()
        raise
    return target


def _find_notebook(rest: Rest, wanted: str | None) -> str:
    notebooks = rest.ask("GET", "notebooks")["notebooks"]
    found = [
        notebook["id"]
        for notebook in notebooks
        if wanted is None or wanted in (notebook["id"], notebook["name"])
    ]
    if len(found) == 1:
        return str(found[0])
    named = ", ".join(f"`{notebook['name']}`" for notebook in notebooks[:10])
    more = f" and {len(notebooks) - 10} more" if len(notebooks) > 10 else ""
    have = f"it has {named}{more}" if notebooks else "it has none"
    if wanted is None:
        if not notebooks:
            return str(rest.ask("POST", "notebooks", {"name": "Untitled"})["id"])
        raise InvalidInput(f"Say which notebook of {rest.base}: {have}.")
    if found:
        raise InvalidInput(
            f"{len(found)} notebooks of {rest.base} are called `{wanted}`: say its id."
        )
    raise InvalidInput(f"{rest.base} has no notebook `{wanted}`: {have}.")


class AttachedTarget(ReplTarget):
    """A server's notebook. What is done here appears there at once, and the other way round.

    Args:
        rest: The server's API.
        mirror: The notebook, as it is on the server.
    """

    def __init__(self, rest: Rest, mirror: Mirror) -> None:
        self._rest = rest
        self._mirror = mirror
        self._notebook_id = mirror.notebook.id
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._own_runs: set[str] = set()
        self._lock = threading.Lock()
        self._expected: list[tuple[str, str]] = []
        """What was asked for here and will be heard: events' names and cells."""
        self._starting = threading.Lock()
        """Held while a run is asked for whose id is not known yet."""
        self._following = ExitStack()

    def open(self) -> None:
        """Read the notebook, and follow it.

        Raises:
            ServerUnreachable: Nobody answers.
        """
        self._mirror.open()

    # What there is ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """See `ReplTarget.name`."""
        return self._mirror.notebook.name

    @property
    def place(self) -> str:
        """See `ReplTarget.place`."""
        return f"{self._rest.base}/#/notebooks/{self._notebook_id}"

    def cells(self) -> Sequence[Cell]:
        """See `ReplTarget.cells`."""
        with self._mirror.reading() as notebook:
            return notebook.cells

    def preference(self, name: str) -> Any:
        """See `ReplTarget.preference`."""
        return self._mirror.notebook.own_metadata.get(name)

    def model(self) -> str:
        """See `ReplTarget.model`."""
        providers = self._rest.ask("GET", "llm/providers")
        current = providers["current"]
        provider = self.preference("provider") or current["type"]
        model = self.preference("model")
        if isinstance(model, str):
            first = model.partition("/")[0]
            return model if first in providers["providers"] else f"{provider}/{model}"
        if provider == current["type"] and current["model"]:
            return f"{provider}/{current['model']}"
        return f"{provider}/{self._default_models(providers).get(provider, '')}".rstrip("/")

    def model_names(self) -> Sequence[str]:
        """See `ReplTarget.model_names`."""
        providers = self._rest.ask("GET", "llm/providers")
        defaults = self._default_models(providers)
        return [f"{provider}/{model}".rstrip("/") for provider, model in defaults.items()]

    @staticmethod
    def _default_models(providers: Mapping[str, Any]) -> dict[str, str]:
        return {each["name"]: each["default_model"] for each in providers["details"]}

    def kernel_state(self) -> str:
        """See `ReplTarget.kernel_state`."""
        if not self._mirror.is_connected:
            return "away"
        return {"none": "off", "ended": "off"}.get(
            self._mirror.kernel_state, self._mirror.kernel_state
        )

    def spending(self) -> tuple[Budget | None, float]:
        """See `ReplTarget.spending`."""
        found = self._ask("GET", "spending")
        return preferred_budget(self._mirror.notebook.own_metadata), float(found["usd"])

    def price_of(self, output: Output) -> float | None:
        """See `ReplTarget.price_of`."""
        call_id = output.fields.get("call_id")
        if not isinstance(call_id, str):
            return None
        deadline_s = time.monotonic() + _WRITE_LIMIT_S
        while True:
            with suppress(LLMReplError):  # it is about to be written, or is not kept any more
                call = self._rest.ask("GET", f"calls/{quote(call_id, safe='')}")
                if call["state"] != "running":
                    return None if call["price_usd"] is None else float(call["price_usd"])
            if time.monotonic() > deadline_s:
                return None
            time.sleep(_WRITE_LIMIT_S / 20)

    # Changing it -----------------------------------------------------------------------------

    def add(self, kind: CellKind, content: str, **options: Any) -> Cell:
        """See `ReplTarget.add`."""
        body = {"type": kind, "content": content, **options}
        cell_id = new_id()  # chosen here, so that the event that tells of it is known
        with self._own("cell_created", cell_id):
            document = self._ask("POST", "cells", body, headers={"Idempotency-Key": cell_id})
        cell = self._mirror.put(document)
        self._note("a cell was added", lambda: self._delete(cell.id))
        return cell

    def change(self, cell_id: str, **changes: Any) -> Cell:
        """See `ReplTarget.change`."""
        with self._mirror.reading() as notebook:
            before = notebook[cell_id]
            number = notebook.index(cell_id) + 1
        earlier = {name: getattr(before, name) for name in changes}
        cell = self._put(cell_id, changes)
        self._note(f"cell {number} was changed", lambda: self._put(cell_id, earlier))
        return cell

    def move(self, cell_id: str, position: int) -> None:
        """See `ReplTarget.move`."""
        with self._mirror.reading() as notebook:
            before = notebook.index(cell_id)
        self._move(cell_id, position)
        self._note(
            f"cell {before + 1} was moved to {position + 1}", lambda: self._move(cell_id, before)
        )

    def delete(self, cell_id: str) -> None:
        """See `ReplTarget.delete`."""
        with self._mirror.reading() as notebook:
            number = notebook.index(cell_id) + 1
        self._delete(cell_id)
        self._note(f"cell {number} was deleted", lambda: self._restore(cell_id, number - 1))

    def undo(self) -> str | None:
        """See `ReplTarget.undo`."""
        if not self._undo:
            return None
        what, take_back = self._undo.pop()
        take_back()
        return what

    def prefer(self, name: str, value: Any) -> None:
        """See `ReplTarget.prefer`."""
        with self._mirror.reading() as notebook:
            before = dict(notebook.metadata)
            own = {key: kept for key, kept in notebook.own_metadata.items() if key != name}
        if value is not None:
            own[name] = value
        check_preferences(own)
        self._set_metadata({**before, "llm_repl": own})
        self._note(f"the notebook's {name} was changed", lambda: self._set_metadata(before))

    def save(self, place: str | None = None) -> str:
        """See `ReplTarget.save`: the server keeps it by itself; a place gets a copy."""
        if place is None:
            return self.place
        path = Path(place).expanduser()
        format_name = path.suffix.removeprefix(".") or "llmn"
        data = self._rest.download(f"notebooks/{self._notebook_id}/download?format={format_name}")
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            raise InvalidInput(f"{path} is there already: choose another name.") from None
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from None
        return str(path)

    # Running ---------------------------------------------------------------------------------

    def run(self, choice: RunChoice) -> Iterator[Event]:
        """See `ReplTarget.run`."""
        with self._mirror.listening() as inbox:
            run = self._ask("POST", "execute", _chosen(choice), headers={"Prefer": "respond-async"})
            run_id = str(run.get("id", ""))
            if not run_id:
                return  # there was nothing to run
            self._own_runs.add(run_id)
            is_stopped = False
            events = self._follow(run_id, inbox)
            while True:
                try:
                    event = next(events, None)
                except KeyboardInterrupt:
                    is_stopped = True
                    self._interrupt(run_id)
                    events = self._follow(run_id, inbox)
                    continue
                if event is None:
                    break
                yield event
        if is_stopped:
            raise KeyboardInterrupt

    def _start(self, choice: RunChoice) -> str:
        with self._starting:
            run = self._ask("POST", "execute", _chosen(choice), headers={"Prefer": "respond-async"})
            run_id = str(run.get("id", ""))
            self._own_runs.add(run_id)
        return run_id

    def _follow(self, run_id: str, inbox: queue.SimpleQueue[Heard]) -> Iterator[Event]:
        """The events of a run, to its end."""
        is_gone = not self._mirror.is_connected
        while True:
            try:
                heard = inbox.get(timeout=_GONE_LIMIT_S if is_gone else None)
            except queue.Empty:
                raise ServerUnreachable(
                    f"The server at {self._rest.base} does not answer any more. What it was asked "
                    "to run goes on there, if it lives."
                ) from None
            if heard.name in ("connected", "disconnected"):
                is_gone = heard.name == "disconnected"
            if heard.name == "read":
                ended = self._ended(run_id)
                if ended is not None:
                    yield ended
                    return
            elif heard.run_id == run_id and heard.event is not None:
                yield heard.event
                if isinstance(heard.event, RunCompleted | RunFailed):
                    return

    def _ended(self, run_id: str) -> Event | None:
        """How a run has ended of which the last events are not known any more; None: it runs."""
        try:
            run = self._rest.ask("GET", f"runs/{run_id}")
        except ServerUnreachable:
            return None
        except LLMReplError:
            run = {"state": "interrupted", "error": None, "cell_id": None}
        if run["state"] in ("queued", "running"):
            return None
        if run["state"] == "completed":
            return RunCompleted(run_id=run_id)
        return RunFailed(
            run_id=run_id,
            error=run["error"] or "The server was started again while this ran.",
            cell_id=run["cell_id"],
            interrupted=run["state"] == "interrupted",
        )

    def stop(self) -> None:
        """See `ReplTarget.stop`."""
        self._ask("POST", "interrupt")

    def _interrupt(self, run_id: str) -> None:
        try:
            self._rest.ask("POST", f"runs/{run_id}/interrupt")
        except ServerUnreachable:
            raise KeyboardInterrupt from None  # nothing will be heard of it

    def approve(self, call_id: str, *, approved: bool, whole_run: bool = False) -> None:
        """See `ReplTarget.approve`."""
        for question in self._ask("GET", "tool_calls")["tool_calls"]:
            if question["call_id"] == call_id:
                self._ask(
                    "POST",
                    f"cells/{question['cell_id']}/tool_calls/{quote(call_id, safe='')}",
                    {"approved": approved, "whole_run": whole_run},
                )
                return
        raise Conflict("Somebody else has answered that already.")

    def restart(self) -> None:
        """See `ReplTarget.restart`."""
        with self._own("kernel_restarted"):
            self._ask("POST", "restart")

    def remember(self, value: Any) -> None:
        """See `ReplTarget.remember`: who else is there may use ``_``, so that it stays."""

    # Looking ---------------------------------------------------------------------------------

    def plan(self, choice: RunChoice) -> RunForecast:
        """See `ReplTarget.plan`."""
        return self._rest.ask_for(
            RunForecast, "POST", f"notebooks/{self._notebook_id}/plan", _chosen(choice)
        )

    def preview(self, cell_id: str) -> Preview:
        """See `ReplTarget.preview`."""
        return self._rest.ask_for(
            Preview, "GET", f"notebooks/{self._notebook_id}/cells/{cell_id}/preview"
        )

    def preview_line(self, content: str, **options: Any) -> DraftPreview | None:
        """See `ReplTarget.preview_line`."""
        return self._rest.ask_for(
            DraftPreview,
            "POST",
            f"notebooks/{self._notebook_id}/preview",
            {"content": content, **options},
        )

    def variables(self) -> VariableList:
        """See `ReplTarget.variables`."""
        return self._rest.ask_for(VariableList, "GET", f"notebooks/{self._notebook_id}/variables")

    def complete(self, code: str, cursor: int) -> Completions | None:
        """See `ReplTarget.complete`."""
        return self._rest.ask_for(
            Completions,
            "POST",
            f"notebooks/{self._notebook_id}/complete",
            {"code": code, "cursor": cursor},
        )

    def inspect(self, code: str, cursor: int) -> Inspected | None:
        """See `ReplTarget.inspect`."""
        return self._rest.ask_for(
            Inspected,
            "POST",
            f"notebooks/{self._notebook_id}/inspect",
            {"code": code, "cursor": cursor},
        )

    # Answers and calls -----------------------------------------------------------------------

    def answers(self, cell_id: str, item: int | None = None) -> AnswerPage:
        """See `ReplTarget.answers`."""
        return self._rest.ask_for(AnswerPage, "GET", self._cell_path(cell_id, "answers", item))

    def answer(self, cell_id: str, answer_id: str, item: int | None = None) -> AnswerDetail:
        """See `ReplTarget.answer`."""
        place = f"answers/{quote(answer_id, safe='')}"
        return self._rest.ask_for(AnswerDetail, "GET", self._cell_path(cell_id, place, item))

    def use_answer(self, cell_id: str, answer_id: str, item: int | None = None) -> None:
        """See `ReplTarget.use_answer`."""
        place = f"cells/{cell_id}/answers/{quote(answer_id, safe='')}/use"
        self._ask("POST", place, {} if item is None else {"item": item})

    def calls(self, limit: int) -> Sequence[MadeCall]:
        """See `ReplTarget.calls`."""
        query = {"notebook_id": self._notebook_id, "limit": str(limit)}
        found = self._rest.ask("GET", "calls", query=query)["calls"]
        names = MadeCall._fields
        return [
            MadeCall(**{name: call[name] for name in names if call[name] is not None})
            for call in found
        ]

    def draw_graph(self) -> str:
        """See `ReplTarget.draw_graph`."""
        return self._rest.download(f"notebooks/{self._notebook_id}/graph?format=text").decode()

    def needs(self, cell_id: str) -> Sequence[tuple[str, str | None]]:
        """See `ReplTarget.needs`."""
        edges = self._ask("GET", "graph")["edges"]
        return [(edge["source"], edge["variable"]) for edge in edges if edge["target"] == cell_id]

    # Others ----------------------------------------------------------------------------------

    def follow(self, listener: Callable[[News], None]) -> None:
        """See `ReplTarget.follow`."""

        def pass_on(heard: Heard) -> None:
            news = None if self._is_own(heard) else self._news_of(heard)
            if news is not None:
                listener(news)

        self._following.enter_context(self._mirror.listening(pass_on))

    def _is_own(self, heard: Heard) -> bool:
        if heard.run_id is None:
            done = heard.name, heard.payload.get("cell_id", "")
            with self._lock:
                if done in self._expected:
                    self._expected.remove(done)
                    return True
            return not heard.is_news
        with (
            self._starting
        ):  # which of the runs is the own one is known when its request is answered
            return heard.run_id in self._own_runs

    def _news_of(self, heard: Heard) -> News | None:
        cell_id = heard.payload.get("cell_id")
        if heard.name == "cell_deleted":
            return News(text="Somebody has deleted a cell.")
        if heard.name in _SENTENCES:
            return News(text=_SENTENCES[heard.name])
        with self._mirror.reading() as notebook:
            if cell_id is None or cell_id not in notebook:
                return None
            number = notebook.index(cell_id) + 1
            first = one_line(notebook[cell_id].content, _NEWS_COLUMNS)
        if heard.name in ("cell_created", "cell_changed", "cell_moved"):
            done = {"cell_created": "added", "cell_changed": "changed", "cell_moved": "moved"}
            return News(text=f"Somebody has {done[heard.name]} cell {number}: {first}")
        if heard.name in ("cell_execution_completed", "cell_execution_failed"):
            return News(text=f"Somebody has run cell {number}: {first}", cell_id=cell_id)
        return None

    # Leaving ---------------------------------------------------------------------------------

    def close(self) -> None:
        """See `ReplTarget.close`: what runs in the server goes on."""
        self._following.close()
        self._mirror.close()
        self._rest.close()

    # Inside ----------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self._rest.ask(method, f"notebooks/{self._notebook_id}/{path}", body, **more)

    def _cell_path(self, cell_id: str, place: str, item: int | None) -> str:
        query = "" if item is None else f"?item={item}"
        return f"notebooks/{self._notebook_id}/cells/{cell_id}/{place}{query}"

    def _put(self, cell_id: str, changes: Mapping[str, Any]) -> Cell:
        with self._own("cell_changed", cell_id):
            return self._mirror.put(self._ask("PUT", f"cells/{cell_id}", changes))

    def _move(self, cell_id: str, position: int) -> None:
        with self._own("cell_moved", cell_id):
            self._ask("POST", f"cells/{cell_id}/move", {"position": position})
        self._mirror.move(cell_id, position)

    def _delete(self, cell_id: str) -> None:
        with self._own("cell_deleted", cell_id):
            self._ask("DELETE", f"cells/{cell_id}")
        self._mirror.take_out(cell_id)

    def _restore(self, cell_id: str, position: int) -> None:
        with self._own("cell_created", cell_id):
            document = self._ask("POST", f"bin/{cell_id}/restore")
        self._mirror.put(document, position)

    def _set_metadata(self, metadata: Mapping[str, Any]) -> None:
        with self._own("notebook_changed"):
            self._rest.ask("PUT", f"notebooks/{self._notebook_id}", {"metadata": metadata})
        self._mirror.take_metadata(metadata)

    @contextmanager
    def _own(self, name: str, cell_id: str = "") -> Iterator[None]:
        """Around a request: the event that tells of what it does is no news."""
        with self._lock:
            self._expected.append((name, cell_id))
            del self._expected[:-_UNDO_LIMIT]
        try:
            yield
        except BaseException:
            with self._lock, suppress(ValueError):
                self._expected.remove((name, cell_id))
            raise

    def _note(self, what: str, take_back: Callable[[], object]) -> None:
        self._undo.append((what, take_back))
        del self._undo[:-_UNDO_LIMIT]


def _chosen(choice: RunChoice) -> dict[str, Any]:
    body: dict[str, Any] = {} if choice.mode is None else {"mode": choice.mode}
    if choice.only_stale:
        return body | {"stale": True}
    return body if choice.cell_ids is None else body | {"cells": list(choice.cell_ids)}
