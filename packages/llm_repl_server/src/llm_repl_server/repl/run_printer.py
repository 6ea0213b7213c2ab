"""Prints what a run gives, once and in the order of the cells."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Self

from rich.markdown import Markdown
from rich.text import Text

from llm_repl_core import (
    CallQueued,
    CallSent,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellReasoning,
    CellRetried,
    CellStarted,
    CellSuperseded,
    CellText,
    CellWaiting,
    Event,
    Output,
    PromptCell,
    RunFailed,
)
from llm_repl_core.errors import CallNotSent
from llm_repl_server.cli.cell_order import DocumentOrder
from llm_repl_server.cli.cell_printer import CellPrinter
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.stream_printer import StreamPrinter
from llm_repl_server.cli.terminal_text import escape_controls, format_price, one_line
from llm_repl_server.repl.live_region import LiveRegion
from llm_repl_server.repl.markdown_stream import MarkdownBlock, MarkdownStream
from llm_repl_server.repl.output_printer import OutputPrinter
from llm_repl_server.repl.target import ReplTarget
from llm_repl_server.settings import data_folder

__all__ = ["RunPrinter"]

_STREAMS = frozenset({"stdout", "stderr"})
_TITLE_COLUMNS = 60
_CALL_COLUMNS = 160
_ROOM_FOR_HINT = 60
"""In how many columns there is room to say how to stop."""
_STOPPED = frozenset({"Interrupted", "KeyboardInterrupt", CallNotSent.__name__})


class _GrowingOrder(DocumentOrder):
    """The order of the document, in which the answer of the first cell grows as it comes."""

    def take(self, event: Event) -> Iterator[Event]:
        if isinstance(event, CellRetried):
            held = self._held.get(event.cell_id, [])
            held[:] = [each for each in held if not isinstance(each, CellText)]
        if not isinstance(event, CellText) or event.item is not None:
            yield from super().take(event)
        elif self._to_show and self._to_show[0] == event.cell_id:
            yield event
        else:
            self._held.setdefault(event.cell_id, []).append(event)


class _Progress:
    """How far a cell is that runs, for the line about it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.begun_s = time.monotonic()
        self.state = ""
        self.characters = 0

    def line(self, now_s: float, columns: int, *, last: bool) -> str:
        """How it stands, in so many columns: the title gets what room there is."""
        grown = f"{self.characters:,} characters" if self.characters else ""
        words = [self.state, grown, f"{now_s - self.begun_s:.0f} s"]
        if last and columns >= _ROOM_FOR_HINT:
            words.append("Ctrl-C stops")
        stands = " · ".join(word for word in words if word)
        return f"{one_line(self.title, max(columns - len(stands) - 4, 8))} · {stands}"


class RunPrinter:
    """Shows the events of a run. A context manager around them.

    Args:
        target: Whose run it is.
        cells: Prints what Rich renders.
        titles: Whether to print a line about each cell before what it gives.
        live: Whether to show what runs in lines that go away again.
        rendered: Whether somebody looks at it; else answers are printed as they are, and what is
            said of them, and errors, go to standard error.

    Attributes:
        failed: Whether a cell failed.
        stopped: Whether somebody stopped it.
    """

    def __init__(
        self,
        target: ReplTarget,
        cells: CellPrinter,
        *,
        titles: bool,
        live: bool,
        rendered: bool = True,
    ) -> None:
        self.failed = False
        self.stopped = False
        self._target = target
        self._cells = cells
        self._outputs = OutputPrinter(cells, data_folder() / "pictures")
        self._titles = titles
        self._rendered = rendered
        self._answers: dict[str, list[Output]] = {}
        """Answers of cells that have not ended yet: only then it is known what they cost."""
        self._by_id = {cell.id: (number, cell) for number, cell in enumerate(target.cells(), 1)}
        self._order = _GrowingOrder()
        self._streams = StreamPrinter()
        self._texts: dict[str, MarkdownStream] = {}
        self._thoughts: dict[str, tuple[float, float, int]] = {}
        """Of cells whose models think: when that began and was last seen, and the characters."""
        self._running: dict[str, _Progress] = {}
        self._updated: dict[tuple[str, int], Output] = {}
        self._since_clear: dict[str, list[Event]] = {}
        self._titled: str | None = None
        self._blocks = 0
        self.region = LiveRegion(self._lines, enabled=live)

    def __enter__(self) -> Self:
        self.region.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.region.__exit__(*exception)
        for event in self._order.rest():
            self._show(event)
        self._streams.end_line()

    def title(self, cell_id: str) -> str:
        """A cell in a line: its number, its type, the variable of its answer, its first words."""
        number, cell = self._by_id[cell_id]
        first = next((line for line in cell.content.splitlines() if line.strip()), "")
        variable = cell.response_var if isinstance(cell, PromptCell) else None
        words = " ".join(filter(None, (cell.type or "foreign", variable)))
        title = escape_controls(f"[{number}] {words}: {one_line(first, _TITLE_COLUMNS)}")
        return one_line(title, self._cells.columns) if self._rendered else title

    def show(self, event: Event) -> None:
        """Print what an event says, and what waited for it."""
        self._note(event)
        for shown in self._order.take(event):
            # What is unfinished in its line stays the last that is seen.
            with self.region.hidden(redraw=False):
                self._show(shown)
        self.region.hold(self._streams.line_is_open)

    def break_line(self) -> None:
        """Begin a new line where one is unfinished."""
        self._streams.end_line()

    # What runs now ---------------------------------------------------------------------------

    def _lines(self) -> Sequence[str]:
        now_s = time.monotonic()
        running = list(self._running.values())
        return [
            progress.line(now_s, self._cells.columns, last=progress is running[-1])
            for progress in running
        ]

    def _note(self, event: Event) -> None:
        cell_id = getattr(event, "cell_id", None)
        if isinstance(event, CellStarted):
            self._running[event.cell_id] = _Progress(self.title(event.cell_id))
        elif isinstance(event, CellCompleted | CellFailed):
            self._running.pop(event.cell_id, None)
        progress = self._running.get(cell_id or "")
        if progress is None:
            return
        if isinstance(event, CellText):
            progress.state = "answers"
            progress.characters += len(event.text)
        elif isinstance(event, CellReasoning):
            progress.state = "thinks"
            now_s = time.monotonic()
            begun_s, _, characters = self._thoughts.get(event.cell_id, (now_s, now_s, 0))
            self._thoughts[event.cell_id] = begun_s, now_s, characters + len(event.text)
        elif isinstance(event, CellWaiting):
            progress.state = "waits for cells above"
        elif isinstance(event, CallQueued):
            progress.state = (
                f"waits: place {event.place}"
                if event.pause_s is None
                else f"waits: {event.provider} asked for a pause of {event.pause_s:,.0f} s"
            )
        elif isinstance(event, CallSent):
            progress.state = ""
        elif isinstance(event, CellRetried):
            progress.state, progress.characters = "is asked again", 0

    # What is printed -------------------------------------------------------------------------

    def _show(self, event: Event) -> None:
        if isinstance(event, CellStarted):
            self._print_title(event.cell_id)
        elif isinstance(event, CellText):
            if event.item is None:
                self._fold_thoughts(event.cell_id)
                self._print_blocks(self._text(event.cell_id).add(event.text))
        elif isinstance(event, CellRetried):
            self._text(event.cell_id).restart()
            error = one_line(event.error, 200)
            self._dim(
                f"attempt {event.attempt} failed, asked again in {event.wait_s:.1f} s: {error}"
            )
        elif isinstance(event, CellSuperseded):
            self._dim("was sent ahead in vain")
        elif isinstance(event, CellOutputsCleared):
            self._since_clear[event.cell_id] = []
            self._streams.forget()
        elif isinstance(event, CellOutput | CellOutputUpdated):
            self._show_change(event)
        elif isinstance(event, CellCompleted | CellFailed):
            self._end(event)
        elif isinstance(event, RunFailed) and event.cell_id is None:
            self._say(event.error)
            self.failed = not event.interrupted

    def _show_change(self, event: CellOutput | CellOutputUpdated) -> None:
        held = self._since_clear.get(event.cell_id)
        if held is not None:
            held.append(event)
        elif event.output.type in _STREAMS:
            self._streams.show(event)
        elif isinstance(event, CellOutput):
            self._show_output(event.cell_id, event.output)
        else:
            self._updated[event.cell_id, event.index] = event.output

    def _end(self, event: CellCompleted | CellFailed) -> None:
        for held in self._since_clear.pop(event.cell_id, ()):
            self._show(held)
        updated, self._updated = self._updated, {}
        for (cell_id, _), output in updated.items():
            self._show_output(cell_id, output)
        self._streams.leave()
        self._fold_thoughts(event.cell_id)
        if answers := self._answers.pop(event.cell_id, None):
            prices = [self._target.price_of(answer) for answer in answers]
            self._dim(answer_summary(answers, prices, event.duration_s))
        if isinstance(event, CellFailed):
            self._print_blocks(self._text(event.cell_id).finish(self._text(event.cell_id).text))
            if event.interrupted:
                self.stopped = True
                self.break_line()
                self._dim("stopped")
            elif not event.error.startswith(CallNotSent.__name__):
                self.failed = True

    def _show_output(self, cell_id: str, output: Output) -> None:
        self.break_line()
        if output.type == "error" and output.fields.get("ename") in _STOPPED:
            return  # said when the cell ends
        if output.type == "llm_response":
            self._show_answer(cell_id, output)
        elif output.type == "tool_call":
            self._dim(f"→ {one_line(output.content, _CALL_COLUMNS)}")
        elif self._rendered:
            number, _ = self._by_id.get(cell_id, (0, None))
            self._outputs.show(output, name=f"cell-{number}")
        else:
            self._outputs.show_plainly(output)

    def _show_answer(self, cell_id: str, output: Output) -> None:
        text = self._text(cell_id)
        is_item = output.fields.get("item") is not None
        if not self._rendered:
            self._outputs.show_plainly(output)
        elif "value" in output.fields:
            text.finish(text.text)
            self._outputs.show_value(output.fields["value"])
        elif is_item:
            self._print_blocks(MarkdownStream().finish(output.content))
        else:
            self._print_blocks(text.finish(output.content))
        self._texts.pop(cell_id, None)
        self._blocks = 0
        self._answers.setdefault(cell_id, []).append(output)

    def _print_blocks(self, blocks: Iterator[MarkdownBlock]) -> None:
        if not self._rendered:
            return
        for block in blocks:
            self.break_line()
            if self._blocks and not block.goes_on:
                self._cells.show("")
            self._blocks += 1
            self._cells.show(Markdown(escape_controls(block.text), code_theme="ansi_dark"))

    def _fold_thoughts(self, cell_id: str) -> None:
        thoughts = self._thoughts.pop(cell_id, None)
        if thoughts is not None:
            begun_s, ended_s, characters = thoughts
            self._dim(f"thought for {ended_s - begun_s:.1f} s, {characters:,} characters")

    def _print_title(self, cell_id: str) -> None:
        if self._titles and self._titled != cell_id:
            self._titled = cell_id
            self.break_line()
            self._dim(self.title(cell_id))

    def _text(self, cell_id: str) -> MarkdownStream:
        return self._texts.setdefault(cell_id, MarkdownStream())

    def _dim(self, text: str) -> None:
        self.break_line()
        if self._rendered:
            self._cells.show(Text(escape_controls(text), style="dim"))
        else:
            echo(escape_controls(text, for_terminal=False), err=True, wrap=False)

    def _say(self, text: str) -> None:
        self.break_line()
        echo(escape_controls(text), fg="red", err=not self._rendered)


def answer_summary(
    answers: Sequence[Output], prices_usd: Sequence[float | None], duration_s: float
) -> str:
    """Who answered, and what it took and cost, in a line.

    Args:
        answers: The answers of a cell, several where it is asked for each of several items.
        prices_usd: What each cost; None where that is not known.
        duration_s: How long the cell took.
    """
    # One that failed has nobody who gave it.
    fields = next((answer for answer in answers if answer.fields.get("model")), answers[-1]).fields
    model = str(fields.get("model") or "a part of an answer")  # who gave it is said at its end
    words = [f"{fields['provider']}/{model}" if fields.get("provider") else model]
    if len(answers) > 1:
        words.append(f"{len(answers)} answers")
    usages = [answer.fields.get("usage") for answer in answers]
    counts = [usage for usage in usages if isinstance(usage, dict)]
    sent, came = (
        sum(int(number) for usage in counts if isinstance(number := usage.get(name), int))
        for name in ("input_tokens", "output_tokens")
    )
    if counts:
        words.append(f"{sent:,} → {came:,} tokens")
    if all(answer.fields.get("source") in ("reuse", "replay") for answer in answers):
        words.append("from record")
    else:
        known = [price for price in prices_usd if price is not None]
        words.append(format_price(sum(known) if len(known) == len(prices_usd) else None))
    words.append(f"{duration_s:.1f} s")
    if any(answer.fields.get("finish_reason") == "length" for answer in answers):
        words.append("cut off")
    return " · ".join(words)
