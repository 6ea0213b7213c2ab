"""A notebook that lives in a server, shared with the page and with other terminals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from llm_repl_core import (
    Budget,
    Cell,
    Conflict,
    Event,
    InvalidInput,
    LLMReplError,
    Output,
    PromptCell,
)
from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
from llm_repl_core.engine.forecast import RunForecast
from llm_repl_core.engine.notebook_preferences import check_preferences, preferred_budget
from llm_repl_core.engine.prompts.draft_preview import DraftPreview
from llm_repl_core.engine.prompts.preview import Preview
from llm_repl_core.engine.routing import ProviderChoice, route
from llm_repl_core.kernels.views import Completions, Inspected, VariableList
from llm_repl_core.model.ids import new_id
from llm_repl_server.repl.attached.followed_run import FollowedRun
from llm_repl_server.repl.attached.mirror import Mirror
from llm_repl_server.repl.attached.others import Others
from llm_repl_server.repl.attached.rest import Rest
from llm_repl_server.repl.target import CellKind, MadeCall, News, ReplTarget, RunChoice

__all__ = ["AttachedTarget"]

_UNDO_LIMIT = 200
_WRITE_LIMIT_S = 1.0
"""How long after its answer a call may be written."""


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
        self._others = Others(mirror)
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
        choice = ProviderChoice(name=current["type"], model=current["model"])
        found = route(PromptCell(), self._mirror.notebook, choice, providers["providers"])
        model = found.model or self._default_models(providers).get(found.provider, "")
        return f"{found.provider}/{model}".rstrip("/")

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
        with self._others.own("cell_created", cell_id):
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
            run_id = self._start(choice)
            if run_id:
                yield from FollowedRun(self._rest, self._mirror, run_id, inbox).events()

    def _start(self, choice: RunChoice) -> str:
        """Have a run begin; its id, or nothing where there was nothing to run."""
        with self._others.starting() as note_run:
            run = self._ask("POST", "execute", _chosen(choice), headers={"Prefer": "respond-async"})
            return note_run(str(run.get("id", "")))

    def stop(self) -> None:
        """See `ReplTarget.stop`."""
        self._ask("POST", "interrupt")

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
        with self._others.own("kernel_restarted"):
            self._ask("POST", "restart")

    def remember(self, cell_id: str) -> None:
        """See `ReplTarget.remember`."""
        self._ask("POST", f"cells/{cell_id}/answer/remember")

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

    def preview_line(self, content: str, **options: Any) -> DraftPreview:
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
        self._ask("POST", place, query=None if item is None else {"item": str(item)})

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
        self._following.enter_context(self._mirror.listening(self._others.telling(listener)))

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
        with self._others.own("cell_changed", cell_id):
            return self._mirror.put(self._ask("PUT", f"cells/{cell_id}", changes))

    def _move(self, cell_id: str, position: int) -> None:
        with self._others.own("cell_moved", cell_id):
            self._ask("POST", f"cells/{cell_id}/move", {"position": position})
        self._mirror.move(cell_id, position)

    def _delete(self, cell_id: str) -> None:
        with self._others.own("cell_deleted", cell_id):
            self._ask("DELETE", f"cells/{cell_id}")
        self._mirror.take_out(cell_id)

    def _restore(self, cell_id: str, position: int) -> None:
        with self._others.own("cell_created", cell_id):
            document = self._ask("POST", f"bin/{cell_id}/restore")
        self._mirror.put(document, position)

    def _set_metadata(self, metadata: Mapping[str, Any]) -> None:
        with self._others.own("notebook_changed"):
            self._rest.ask("PUT", f"notebooks/{self._notebook_id}", {"metadata": metadata})
        self._mirror.take_metadata(metadata)

    def _note(self, what: str, take_back: Callable[[], object]) -> None:
        self._undo.append((what, take_back))
        del self._undo[:-_UNDO_LIMIT]


def _chosen(choice: RunChoice) -> dict[str, Any]:
    body: dict[str, Any] = {} if choice.mode is None else {"mode": choice.mode}
    if choice.only_stale:
        return body | {"stale": True}
    return body if choice.cell_ids is None else body | {"cells": list(choice.cell_ids)}
