"""Brings the page into each view of its design, with the design's own content.

A view is a function of a `Stand`; it leaves the window in the state that the design shows.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from feedback_week import FeedbackServer, add_feedback_notebook

__all__ = ["VIEWS", "Stand", "furnish"]

RUN_LIMIT_S = 180.0
NOBODYS_PORT = 9  # "discard": nothing listens there
SHOW_CELL = """(cell) => {
  document.querySelector(cell).scrollIntoView({block: 'start'});
  scrollBy(0, -80);
}"""
ENDS = ("Be brief.", "Keep it short.", "In few words.", "One sentence is enough.")
OTHER_NOTEBOOKS = (
    "Contract terms, 38 suppliers",
    "Ice cream sales",
    "Lesson 5: prompts that answer in a form",
    "Answering reviews",
    "Wordings of the refund mail",
    "Expenses",
    "Sorting feedback",
)


class Stand:
    """A server with notebooks, its model, and a window.

    Attributes:
        server: The running server.
        model: Answers its prompts.
        window: The browser's page.
        notebook: The path of the design's notebook, which has run.
        cells: The paths of its cells.
        states: The path of a notebook with cells in many states, once it was shown.
    """

    def __init__(self, server: Any, model: FeedbackServer) -> None:
        self.server = server
        self.model = model
        self.window: Any = None
        self.notebook, self.cells = add_feedback_notebook(server)
        self.states = ""
        self.other = ""
        self._texts: dict[str, dict[str, Any]] = {}
        self._running: list[str] = []
        self._metadata: dict[str, Any] = {}
        self._elsewhere = ""
        self._shown = ""
        self._rewordings = itertools.count()

    def open(self, notebook: str | None = None) -> None:
        """Show a notebook: the design's, where none is named."""
        found = notebook or self.notebook
        self._go(f"{self.server.base}/#/notebooks/{found.rpartition('/')[2]}")
        self.window.wait_for_selector(".cell")
        self.window.wait_for_selector(".price, .cell.is-code")

    def list(self) -> None:
        """Show the list of notebooks."""
        self._go(self.server.base)
        self.window.wait_for_selector("text=Feedback, week 47")

    def _go(self, address: str) -> None:
        self.window.goto("about:blank")  # else another fragment of the page would not load it
        self.window.goto(address)

    def settle(self) -> None:
        """End what a view has begun, and take back what it wrote, for the view after it."""
        self.model.settle()
        self._shown = ""
        if self._elsewhere:
            self.server.ask("POST", f"{self._elsewhere}/interrupt")
        if self._metadata:
            self.server.ask("PUT", self.notebook, {"metadata": self._metadata})
            self._metadata = {}
        if self._running:
            self.server.ask("POST", f"{self.notebook}/interrupt")
            body = {"cells": self._running, "mode": "reuse"}
            self.server.ask("POST", f"{self.notebook}/execute", body)
            self._running = []
        self.take_back()

    def take_back(self) -> None:
        """Give the cells that a view wrote in their texts again, and their answers."""
        for cell, fields in self._texts.items():
            self.server.ask("PUT", cell, fields)
        if self._texts:
            self.server.ask("POST", f"{self.notebook}/execute_stale", {"mode": "reuse"})
        self._texts.clear()

    def will_change(self, number: int) -> None:
        """Remember a cell's text and temperature, which `settle` brings back."""
        cell = self.cells[number - 1]
        if cell not in self._texts:
            found = self.server.ask("GET", cell)[1]
            self._texts[cell] = {
                name: found[name] for name in ("content", "temperature") if name in found
            }

    def cell(self, number: int) -> str:
        """The selector of a cell, counted from 1."""
        return f"#cell-{self.cells[number - 1].rpartition('/')[2]}"

    def select(self, number: int) -> None:
        """Give a cell the focus."""
        self.window.locator(self.cell(number)).scroll_into_view_if_needed()
        self.window.click(f"{self.cell(number)} .number")

    def show(self, number: int) -> None:
        """Scroll to a cell, and leave the focus where it is."""
        self._shown = self.cell(number)
        self.show_again()

    def show_again(self) -> None:
        """The same in a window of another size."""
        if self._shown:
            self.window.evaluate(SHOW_CELL, self._shown)

    def write(self, number: int, text: str) -> None:
        """Type at the end of a cell."""
        self.will_change(number)
        self.select(number)
        self.window.keyboard.press("Enter")
        self.window.wait_for_selector(".cm-content:focus")
        self.window.keyboard.press("Control+End")
        self.window.keyboard.type(text)
        self.window.keyboard.press("Escape")

    def run_in_background(self) -> None:
        """Ask everything again, and go on: when the window knows what that takes."""
        self.window.wait_for_selector(".plan-button:not(.is-old):not([disabled])")
        self._running = [cell.rpartition("/")[2] for cell in self.cells]
        path = f"{self.notebook}/execute_all"
        status, answer = self.server.ask("POST", path, {"mode": "live"}, Prefer="respond-async")
        assert status == 202, answer

    def ask_elsewhere(self, count: int) -> None:
        """Have another notebook take so many of the provider's places, for long."""
        if not self._elsewhere:
            name = {"name": "Refund mails, drafts"}
            status, made = self.server.ask("POST", "/api/notebooks", name)
            assert status == 201, made
            self._elsewhere = f"/api/notebooks/{made['id']}"
            for number in range(count):
                text = f"Draft {number} of a refund mail"
                self.server.new_cell(self._elsewhere, "prompt", text, model="openai/gpt-5.4-nano")
        before = len(self.model.requests)
        path = f"{self._elsewhere}/execute_all"
        self.server.ask("POST", path, {"mode": "live"}, Prefer="respond-async")
        self.model.wait_for_requests(before + count)

    def without_budget(self) -> None:
        """Let models be asked that have no known price."""
        self._metadata = self.server.ask("GET", self.notebook)[1]["metadata"]
        own = {
            name: value for name, value in self._metadata["llm_repl"].items() if name != "budget"
        }
        self.server.ask("PUT", self.notebook, {"metadata": {**self._metadata, "llm_repl": own}})

    def reword(self, *numbers: int) -> None:
        """Have prompts say what they have not said before, so that nothing is on record for them."""
        more, end = divmod(next(self._rewordings), len(ENDS))
        for number in numbers:
            self.will_change(number)
            text = self._texts[self.cells[number - 1]]["content"]
            self.change(number, content=text + f" {ENDS[end]}" * (more + 1))

    def change(self, number: int, **fields: Any) -> None:
        """Change a cell from elsewhere."""
        if "content" in fields:
            self.will_change(number)
        status, answer = self.server.ask("PUT", self.cells[number - 1], fields)
        assert status == 200, answer


def furnish(server: Any, model: FeedbackServer) -> Stand:
    """Make all notebooks, and run the design's: several times, so that answers have versions."""
    stand = Stand(server, model)
    for name in reversed(OTHER_NOTEBOOKS):
        status, made = server.ask("POST", "/api/notebooks", {"name": name})
        assert status == 201, made
        path = f"/api/notebooks/{made['id']}"
        server.new_cell(path, "markdown", f"# {name}\n\nFor the class of Thursday.")
        code = server.new_cell(
            path, "code", "sales = 1" if name != "Answering reviews" else "1 / 0"
        )
        prompt = server.new_cell(path, "prompt", "Of {sales}", model="mock/echo")
        if name not in ("Sorting feedback", "Expenses"):
            server.ask("POST", f"{path}/execute_all", {})
        if name == "Ice cream sales":
            server.ask("PUT", code, {"content": "sales = 2"})
            assert prompt
    before = server.ask("GET", stand.cells[5])[1]
    model.thinks = True
    _run_all(server, stand.notebook)
    model.settle()
    context = before["context"]
    stand.change(6, context=context[1:])
    server.ask("POST", f"{stand.cells[5]}/execute", {"mode": "live"})
    stand.change(6, context=context, model="openai/gpt-5.4")
    server.ask("POST", f"{stand.cells[5]}/execute", {"mode": "live"})
    stand.change(6, model=None)
    _run_all(server, stand.notebook)
    return stand


def _run_all(server: Any, notebook: str) -> None:
    """Run a notebook, however long its kernel takes to start and to import."""
    headers = {"Prefer": "respond-async"}
    status, answer = server.ask("POST", f"{notebook}/execute_all", {}, **headers)
    assert status == 202, answer
    _wait_for_rest(server, notebook)
    states = {cell["status"] for cell in server.ask("GET", notebook)[1]["cells"]}
    assert states == {"completed"}, states


def _wait_for_rest(server: Any, notebook: str) -> None:
    deadline = time.monotonic() + RUN_LIMIT_S
    while server.ask("GET", notebook)[1]["runs"]:
        assert time.monotonic() < deadline, "the notebook did not end"
        time.sleep(0.1)


def start(stand: Stand) -> None:
    """The list of notebooks."""
    stand.list()


def first(stand: Stand) -> None:
    """The first notebook, which has run."""
    start(stand)
    stand.window.get_by_role("button", name="Open the example").click()
    stand.window.wait_for_selector(".cell.is-prompt")
    stand.window.click(".primary >> text=Run all")
    stand.window.wait_for_selector("text=You asked: A postcard in 20 words")


def notebook(stand: Stand) -> None:
    """The design's notebook."""
    stand.open()


def drawer(stand: Stand) -> None:
    """The notebooks beside the open one."""
    stand.open()
    stand.window.click("[aria-label=Notebooks]")


def running(stand: Stand) -> None:
    """One prompt answers, the next one waits for a place, the last one for both."""
    stand.open()
    stand.model.delay_per_piece_s, stand.model.slow = 0.7, ("Which orders", "refund mail")
    stand.model.at_once = '(orders["shipped"] >='
    stand.ask_elsewhere(1)
    stand.run_in_background()
    stand.window.wait_for_selector("text=gets 2 calls at once")
    stand.window.wait_for_selector(f"{stand.cell(6)} .is-growing .fence")
    stand.show(6)


def items(stand: Stand) -> None:
    """A prompt over items is in the middle: of two that did not fit one is asked again, one has failed."""
    stand.open()
    stand.model.delay_per_piece_s, stand.model.slow = 2.0, ("Third dented tin",)
    stand.model.misses = True
    stand.run_in_background()
    for state in ("no fit, twice", "asked again"):
        stand.window.wait_for_selector(f"{stand.cell(3)} .how >> text={state}")
    stand.window.wait_for_selector(f"{stand.cell(3)} .item-answering")
    stand.show(3)


def offline(stand: Stand) -> None:
    """The server is away, and one goes on writing."""
    stand.open()
    stand.window.context.set_offline(True)
    stand.window.wait_for_selector(".banner >> text=Not connected")
    stand.write(8, " Be kind.")


def conflict(stand: Stand) -> None:
    """A cell was changed here and elsewhere: its text in two places, and its temperature."""
    stand.open()
    stand.window.context.set_offline(True)
    stand.window.wait_for_selector(".banner >> text=Not connected")
    stand.write(6, " Name the courier as well.")
    stand.window.click(f"{stand.cell(6)} .status-line >> text=temperature")
    stand.window.locator(".panel input[type=number]").fill("0.1")
    stand.window.keyboard.press("Escape")
    text = stand.server.ask("GET", stand.cells[5])[1]["content"]
    stand.change(6, content=text.replace("in short", "in one sentence"), temperature=0.7)
    stand.window.context.set_offline(False)
    stand.window.wait_for_selector("text=Changed in two places")
    stand.select(6)


def opened(stand: Stand) -> None:
    """A notebook that was only opened, whose answers are on record: it was deleted, and came as a file."""
    if stand.other:
        stand.open(stand.other)
        return
    made_there, _ = add_feedback_notebook(stand.server)
    _run_all(stand.server, made_there)
    status, file = stand.server.ask("GET", f"{made_there}/download")
    assert status == 200
    status, answer = stand.server.ask("DELETE", made_there)
    assert status == 200, answer
    body = {"filename": "feedback.llmn", "text": json.dumps(file)}
    status, made = stand.server.ask("POST", "/api/notebooks/import", body)
    assert status == 201, made
    stand.other = f"/api/notebooks/{made['id']}"
    stand.open(stand.other)
    stand.window.wait_for_selector(".banner >> text=Replay, no key needed")


def phone_edit(stand: Stand) -> None:
    """A prompt is edited on a phone."""
    stand.open()
    stand.window.locator(f"{stand.cell(6)} .template").click()
    stand.window.wait_for_selector(".cm-content:focus")


def focus(stand: Stand) -> None:
    """A prompt is edited, with the request beside it."""
    stand.open()
    stand.will_change(6)
    stand.select(6)
    stand.window.click(f"{stand.cell(6)} .template")
    stand.window.wait_for_selector(".cm-content:focus")
    stand.window.keyboard.press("Control+i")
    stand.window.keyboard.press("Control+End")
    stand.window.keyboard.type(" Which of {order} left? Name them, for {m")
    stand.window.wait_for_selector("text=Use orders")
    stand.window.wait_for_selector(f"{stand.cell(6)} .state-line.warns")
    stand.window.locator(".plan-short", has_text="12 on record").wait_for(state="detached")


def picker(stand: Stand) -> None:
    """The models, each with what this prompt would take of it."""
    stand.open()
    stand.select(6)
    stand.window.click(f"{stand.cell(6)} .status-line >> text=gpt-5.4-mini")
    stand.window.wait_for_selector(".model .figures >> text=free")


def plan(stand: Stand) -> None:
    """What a run would do: two prompts are new, and one needs both."""
    stand.reword(6, 7)
    _wait_for_rest(stand.server, stand.notebook)
    stand.open()
    stand.window.wait_for_selector(".plan-button:not(.is-old):not([disabled]) >> text=3 new")
    stand.window.click(".plan-button")
    # Where it was asked for while something ran, it is read again.
    stand.window.locator(".plan", has_text="before what runs now").wait_for(state="detached")


def answers(stand: Stand) -> None:
    """The versions of an answer, two of them compared."""
    stand.open()
    stand.select(6)
    stand.window.keyboard.press("5")
    stand.window.wait_for_selector(".version")
    stand.window.click(".version >> nth=0")  # another model's


def variables(stand: Stand) -> None:
    """The variables."""
    stand.open()
    stand.select(6)
    stand.window.keyboard.press("2")
    stand.window.wait_for_selector(".variables >> text=messages")


def compare(stand: Stand) -> None:
    """Three models answer one prompt, of which the third is not done yet."""
    own = {"base_url": stand.model.base_url, "model": "llama3.2"}
    status, made = stand.server.ask("PUT", "/api/llm/providers/ollama", own)
    assert status in (200, 201), made
    stand.without_budget()
    stand.open()
    stand.select(6)
    stand.window.keyboard.press("Shift+E")
    stand.model.thinks, stand.model.at_once = True, 'orders["sku"].str.'
    for model, delay_s in (("openai/gpt-5.4", 0.0), ("ollama/llama3.2", 2.0)):
        stand.model.delay_per_piece_s = delay_s
        stand.window.click("role=button[name='Add a model']")
        stand.window.locator("role=menuitem").get_by_text(model, exact=True).click()
        stand.window.wait_for_selector(f".several-columns h2[title='{model}']")
        if not delay_s:
            stand.window.wait_for_selector(".several >> text=Use this")
    stand.window.wait_for_selector(".several .is-growing >> text=Look for orders")
    stand.window.wait_for_selector(".several .is-growing .fence")


def calls(stand: Stand) -> None:
    """The calls of a run that has asked for three answers, and one of them."""
    stand.reword(6, 7, 8)
    stand.model.thinks, stand.model.delay_per_piece_s = True, 0.01
    _run_all(stand.server, stand.notebook)
    stand.open()
    stand.window.keyboard.press("3")
    stand.window.click("text=All calls, with their times and costs")
    stand.window.click(".call-table tr >> text=check")


def graph(stand: Stand) -> None:
    """What needs what, in a copy whose sixth cell may call a tool."""
    status, made = stand.server.ask("POST", f"{stand.notebook}/duplicate", {})
    assert status == 201, made
    path = f"/api/notebooks/{made['id']}"
    cells = stand.server.ask("GET", f"{path}/cells")[1]["cells"]
    tool = "\n\ndef find_orders(courier: str) -> int:\n    return len(orders)\n\nmessages.head(4)"
    change = {"content": cells[1]["content"].replace("\nmessages.head(4)", tool)}
    stand.server.ask("PUT", path, {"name": "Feedback, week 47"})
    stand.server.ask("PUT", f"{path}/cells/{cells[1]['id']}", change)
    stand.model.thinks = True
    stand.server.ask("POST", f"{path}/execute_all", {"mode": "live"})
    stand.server.ask("PUT", f"{path}/cells/{cells[5]['id']}", {"tools": ["find_orders"]})
    stand.open(path)
    stand.window.click(f"#cell-{cells[5]['id']} .number")
    stand.window.keyboard.press("4")
    stand.window.click(".graph-head >> text=Folded")


def settings(stand: Stand) -> None:
    """The settings: of two providers one works, and at the other's address nobody listens."""
    nobody = {"base_url": f"http://127.0.0.1:{NOBODYS_PORT}/v1", "model": "llama3.2"}
    status, made = stand.server.ask("PUT", "/api/llm/providers/ollama", nobody)
    assert status in (200, 201), made
    start(stand)
    stand.window.click("[aria-label=Settings]")
    for name, outcome in (("openai", ".is-right"), ("ollama", ".is-wrong")):
        provider = stand.window.get_by_role("article", name=name)
        provider.get_by_role("button", name="Test").click()
        provider.locator(outcome).wait_for()


def keys(stand: Stand) -> None:
    """The keys."""
    stand.open()
    stand.window.keyboard.press("?")


def states(stand: Stand) -> None:
    """Cells in many states, some of which run."""
    if not stand.states:
        stand.states = _add_states(stand)
    stand.open(stand.states)
    stand.window.wait_for_selector(".in-wave.acts")


def _add_states(stand: Stand) -> str:
    server = stand.server
    status, made = server.ask("POST", "/api/notebooks", {"name": "Every state of a cell"})
    assert status == 201, made
    path = f"/api/notebooks/{made['id']}"
    ask = "What to see in {city} in {days} days?"
    echo = {"model": "mock/echo"}
    setup = server.new_cell(
        path,
        "code",
        "city, days = 'Oslo', 2\ndef find_orders(courier: str) -> str:\n    return courier",
    )
    server.new_cell(path, "prompt", ask, response_var="sights")
    done = server.new_cell(path, "prompt", ask, response_var="done", **echo)
    stale = server.new_cell(path, "prompt", "Of {city}", response_var="stale", **echo)
    refused = server.new_cell(path, "prompt", ask, model="openai/refused", response_var="refused")
    failed = server.new_cell(path, "code", "{'price': 2}['prise']")
    stopped = server.new_cell(path, "prompt", ask, response_var="stopped", model="openai/gpt-5.4")
    unsent = server.new_cell(path, "prompt", ask, response_var="unsent", model="openai/gpt-5.4")
    edited = server.new_cell(path, "prompt", ask, response_var="edited", **echo)
    for cell in (setup, done, stale, failed, edited, refused):
        server.ask("POST", f"{cell}/execute", {})
    server.ask("POST", f"{unsent}/execute", {"budget": {"usd": 0.000001}})
    server.ask(
        "PUT",
        setup,
        {
            "content": "city, days = 'Bergen', 2\ndef find_orders(courier: str) -> str:\n    return courier"
        },
    )
    server.ask("POST", f"{setup}/execute", {})
    server.ask("POST", f"{done}/execute", {})
    server.ask("PUT", f"{edited}/answer", {"content": "Walk up the funicular first."})
    stand.model.delay_per_piece_s = 0.5
    server.ask("POST", f"{stopped}/execute", {}, Prefer="respond-async")
    stand.window.wait_for_timeout(1500)
    server.ask("POST", f"{stopped}/interrupt", {})
    running = [
        server.new_cell(path, "prompt", "Ask it", tools=["find_orders"], approve_tools=True,
                        model="mock/call:find_orders", response_var="found"),
        *(server.new_cell(path, "prompt", f"{ask} {number}", model="openai/gpt-5.4-mini") for number in range(6)),
        server.new_cell(path, "code", "import time\ntown = 'Oslo'\ntime.sleep(60)"),
        server.new_cell(path, "prompt", "Of {town}", response_var="town_sights", **echo),
    ]  # fmt: skip
    ids = [cell.rpartition("/")[2] for cell in running]
    body = {"cells": ids, "mode": "live", "concurrency": 2, "stop_on_error": False}
    status, answer = server.ask("POST", f"{path}/execute", body, Prefer="respond-async")
    assert status == 202, answer
    return path


def context(stand: Stand) -> None:
    """What of the cells above is sent along."""
    stand.open()
    stand.select(6)
    stand.window.click(f"{stand.cell(6)} .status-line >> text=sends")


def folded(stand: Stand) -> None:
    """Two chosen cells, folded."""
    stand.open()
    stand.select(2)
    stand.window.keyboard.press("Shift+ArrowDown")
    stand.window.keyboard.press("f")
    stand.window.wait_for_selector(".folded")


def find(stand: Stand) -> None:
    """Find and replace in the notebook."""
    stand.open()
    stand.window.keyboard.press("Control+h")
    stand.window.wait_for_selector(".find")
    stand.window.keyboard.type("tins")


def more(stand: Stand) -> None:
    """The notebook's menu."""
    stand.open()
    stand.window.click("header [aria-label=More]")
    stand.window.wait_for_selector("[role=menu]")


def deleted(stand: Stand) -> None:
    """What was deleted."""
    more(stand)
    stand.window.click("[role=menuitem] >> text=Bin")
    stand.window.wait_for_selector(".bin")


def browse(stand: Stand) -> None:
    """The files of the server's folder, one of which is opened."""
    start(stand)
    stand.window.get_by_role("button", name="Open a file").click()
    stand.window.wait_for_selector("dialog[open] >> text=orders-2026-11.csv")


VIEWS: dict[str, Callable[[Stand], None]] = {
    view.__name__: view
    for view in (
        start, first, notebook, drawer, focus, picker, plan, answers, variables, calls, graph,
        settings, keys, running, items, offline, conflict, opened, phone_edit, states,
        context, folded, find, more, deleted, browse,
        compare,  # it asks a model without a price: behind it the budget lets nothing more be asked
    )
}  # fmt: skip
