"""Every event of the contract: its fields, its order, and who hears it."""

from __future__ import annotations

import threading
from typing import Any

from contract_plumbing import (
    EVENTS,
    Api,
    Listener,
    expect,
    expect_equal,
    expect_fields,
    listening,
    wait_until,
)

ENDINGS = ("cell_execution_completed", "cell_execution_failed")


def expect_events(events: list[tuple[str, Any]]) -> None:
    """Check each event's fields, and that what starts ends in exactly one way."""
    running: set[str] = set()
    for name, data in events:
        expect_fields(data, dict.fromkeys(EVENTS[name], object))
        expect_fields(data, {"notebook_id": str})
        if name.endswith("_failed"):
            expect_fields(data, {"error": str})
        if name == "cell_execution_started":
            expect(data["cell_id"] not in running, f"started twice: {data}")
            running.add(data["cell_id"])
        elif name in ENDINGS:
            expect(data["cell_id"] in running, f"{name} without a start, or a second one: {data}")
            running.remove(data["cell_id"])
            for output in data["outputs"]:
                expect_fields(output, {"type": str, "content": str})
    expect(not running, f"started and never ended: {running}")


def _names(events: list[tuple[str, Any]], cell_id: str) -> list[str]:
    mine = (name for name, data in events if data.get("cell_id") == cell_id)
    return [name for name in mine if name.startswith("cell_")]


def check_a_cells_events(api: Api) -> None:
    notebook_id = api.notebook()
    with listening(api.base) as one, listening(api.base) as two:
        good = api.cell(notebook_id, "code", "print('a')")
        bad = api.cell(notebook_id, "code", "1 / 0")
        dead = api.cell(notebook_id, "code", "import os\nos._exit(1)")
        answers = {cell_id: api.execute(notebook_id, cell_id) for cell_id in (good, bad, dead)}
        for listener in (one, two):
            events = listener.wait(notebook_id, "cell_execution_failed", 2)
            expect_events(events)
            for cell_id, ending in ((good, ENDINGS[0]), (bad, ENDINGS[1]), (dead, ENDINGS[1])):
                expect_equal(_names(events, cell_id), ["cell_execution_started", ending], "order")
            for name, data in events:
                if name in ENDINGS:
                    outputs = answers[data["cell_id"]]["outputs"]
                    expect_equal(data["outputs"], outputs, f"the outputs of {name}")
        failed = next(data for _, data in events if data.get("cell_id") == bad and "error" in data)
        expect("division by zero" in failed["error"], f"the error is told: {failed['error']!r}")
        expect_equal(one.of(notebook_id), two.of(notebook_id), "the same for every client")


def check_a_notebooks_events(api: Api) -> None:
    notebook_id = api.notebook()
    path = f"/api/notebooks/{notebook_id}/execute_all"
    with listening(api.base) as listener:
        ids = [api.cell(notebook_id, "code", f"print({n})") for n in range(3)]
        ids.append(api.cell(notebook_id, "prompt", "Hello"))
        api.call("POST", path)
        events = listener.wait(notebook_id, "notebook_execution_completed")
        expect_equal(events[0][0], "notebook_execution_started", "the first event")
        expect_equal(events[-1][0], "notebook_execution_completed", "the last event")
        expect_events(events)
        for cell_id in ids:
            order = ["cell_execution_started", "cell_execution_completed"]
            expect_equal(_names(events, cell_id), order, "the events of a cell in execute_all")

        bad = api.cell(notebook_id, "code", "raise ValueError('told')", position=1)
        api.call("POST", path)
        events = listener.wait(notebook_id, "notebook_execution_failed")
        expect_equal(events[-1][0], "notebook_execution_failed", "the last event of a failure")
        expect("told" in events[-1][1]["error"], f"the error is told: {events[-1][1]}")
        expect_equal(_names(events, bad)[-1], "cell_execution_failed", "the failed cell's ending")
        expect_events(events)


def check_a_subscriber_hears_only_its_own(api: Api) -> None:
    mine, also_mine, other = (api.notebook() for _ in range(3))
    with listening(api.base) as narrow, listening(api.base) as wide:
        api.run(other, "code", "1")
        narrow.wait(other, "cell_execution_completed")
        narrow.subscribe(mine)
        narrow.subscribe(also_mine)
        for notebook_id in (other, mine, also_mine):
            api.run(notebook_id, "code", "1")
        # Its own came after the other one's, so that the other one's would be there by now.
        narrow.wait(mine, "cell_execution_completed")
        narrow.wait(also_mine, "cell_execution_completed")
        expect_equal(len(narrow.of(other)), 2, "what is heard of others after subscribing")
        wide.wait(other, "cell_execution_completed", 2)
        wide.wait(mine, "cell_execution_completed")


def check_a_deleted_notebooks_cell_ends(api: Api) -> None:
    notebook_id = api.notebook()
    cell_id = api.cell(notebook_id, "code", "import time\ntime.sleep(600)")
    path = f"/api/notebooks/{notebook_id}"
    statuses: list[int] = []
    with listening(api.base) as listener:
        request = threading.Thread(
            target=lambda: statuses.append(
                api.request("POST", f"{path}/cells/{cell_id}/execute").status
            )
        )
        request.start()
        listener.wait(notebook_id, "cell_execution_started")
        expect_fields(api.call("DELETE", path), {"success": True})
        expect_events(listener.wait(notebook_id, "cell_execution_failed"))
        request.join(60)
    expect(statuses and statuses[0] < 500, f"the request was answered {statuses}")


def check_a_client_that_leaves_stops_nothing(api: Api) -> None:
    notebook_id = api.notebook()
    api.cell(notebook_id, "code", "import time\ntime.sleep(0.3)\ndone = True")
    with listening(api.base) as stays:
        leaves = Listener(api.base)
        request = threading.Thread(
            target=api.request, args=("POST", f"/api/notebooks/{notebook_id}/execute_all")
        )
        request.start()
        leaves.wait(notebook_id, "cell_execution_started")
        leaves.close()
        expect_events(stays.wait(notebook_id, "notebook_execution_completed"))
        request.join(60)
    state = f"/api/notebooks/{notebook_id}/state"
    wait_until(lambda: api.call("GET", state)["state"].get("done"), "the cell has run")
