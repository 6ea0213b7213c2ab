"""Notebooks for the law: constructs of the catalogue, mixed with each other and with all cells."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from law_construct import ANSWER, Construct, Part, code, markdown, memory, prompt, renamed

from llm_repl_core import Notebook
from llm_repl_core.model.cell import Cell, CodeCell, MarkdownCell, MemoryCell, PromptCell

__all__ = ["Sketch", "drawn", "of_construct", "smaller"]

_CLASSES: dict[str, type[Cell]] = {
    "code": CodeCell,
    "prompt": PromptCell,
    "memory": MemoryCell,
    "markdown": MarkdownCell,
}


@dataclass(frozen=True)
class Sketch:
    """A notebook to be made anew as often as it is run. Printed, it can be read.

    Attributes:
        parts: Its cells, and changes of them between runs.
        libraries: What it imports and Python does not bring.
        how: How the answers come in parallel; see `law_provider.Conductor`.
        seed: What that draws from.
        stop_on_error: Whether a failure ends the run.
        constructs: What it was made of.
        replays_both_ways: Whether both recordings are replayed; else one or none, as the seed says.
    """

    parts: tuple[Part, ...]
    libraries: frozenset[str] = frozenset()
    how: str = "patient"
    seed: int = 0
    stop_on_error: bool = False
    constructs: tuple[str, ...] = ()
    replays_both_ways: bool = False

    def notebook(self) -> Notebook:
        """The notebook, with the cell ids `c0`, `c1`, …"""
        notebook = Notebook("Law", id="law")
        for part in self.parts:
            if part.kind == "edit":
                continue
            fields: dict[str, Any] = {"id": f"c{len(notebook)}", "content": part.text}
            if part.kind == "prompt":
                fields |= {"provider": "law", "model": "word"} | dict(part.fields)
            notebook.insert(_CLASSES[part.kind](**fields))
        return notebook

    def steps(self) -> list[tuple[list[str], tuple[str, str] | None]]:
        """What is run, one after the other: cells, and then perhaps what one of them becomes."""
        steps: list[tuple[list[str], tuple[str, str] | None]] = []
        cells: list[str] = []
        place = 0
        for part in self.parts:
            if part.kind == "edit":
                steps.append((cells, (f"c{place - 1}", part.text)))
                cells = []
            else:
                cells.append(f"c{place}")
                place += 1
        return [*steps, (cells, None)]

    def __str__(self) -> str:
        shown = [f"answers {self.how}, seed {self.seed}, stop_on_error={self.stop_on_error}"]
        place = 0
        for part in self.parts:
            fields = f" {dict(part.fields)}" if part.fields else ""
            label = "edited" if part.kind == "edit" else f"c{place}"
            place += part.kind != "edit"
            shown.append(f"{label} [{part.kind}]{fields} {part.text!r}")
        return "\n".join(shown)


def of_construct(
    construct: Construct, parts: Sequence[Part], *, seed: int = 0, in_full: bool = True
) -> Sketch:
    """A notebook of one construct, whose answers come as late as they can.

    Args:
        construct: Which.
        parts: One of its shapes.
        seed: What the order of answers is drawn from.
        in_full: Whether both recordings are replayed.
    """
    return Sketch(
        tuple(parts),
        construct.libraries,
        seed=seed,
        constructs=(construct.name,),
        replays_both_ways=in_full,
    )


def drawn(seed: int, catalogue: Sequence[Construct]) -> Sketch:
    """A notebook of one to four constructs; the same for the same seed and catalogue.

    Args:
        seed: Any number.
        catalogue: What to choose from.
    """
    chance = random.Random(seed)
    count = chance.choice((1, 1, 2, 2, 3, 4))
    weights = [one.weight for one in catalogue]
    chosen = chance.choices(catalogue, weights, k=count)
    sequences: list[list[Part]] = []
    for number, construct in enumerate(chosen):
        shape = chance.choice(list(construct.long_shapes().values()))
        ending = "" if number == 0 else f"_{number}"
        sequences.append(renamed(shape, construct.names, ending))
    sequences += _extras(chance, count)
    parts = tuple(_mixed(chance, sequences))
    # Beside a prompt that waits for its answer the code below it runs, as nobody knows that it
    # will fail: what has run by then is not taken back.
    fails_late = any(part.fields.get("model") == "fail" for part in parts)
    return Sketch(
        parts,
        frozenset().union(*(one.libraries for one in chosen)),
        how=chance.choice(("patient", "patient", "delays", "at once")),
        seed=seed,
        stop_on_error=chance.random() < 0.2 and not fails_late,
        constructs=tuple(one.name for one in chosen),
    )


def _extras(chance: random.Random, count: int) -> list[list[Part]]:
    """Cells of all other kinds, which may have to do with those of the constructs."""
    ending = "" if count == 1 else chance.choice(["", f"_{count - 1}"])
    answer = ANSWER + ending
    extras: list[Sequence[Part]] = [
        [markdown("# What follows")],
        [memory("kept = 1"), memory("kept = kept + 1"), prompt("{kept} {memory}")],
        [code("print('told')"), prompt("Sum it up.", context="above")],
        [prompt("One.", "one_"), prompt("{one_} two.", "two_"), prompt("{two_} three.", "three_")],
        [prompt("{item}?", "many_", for_each="range(3)"), code("many_.append('more')")],
        [
            code("todo_ = ['red', 'blue']"),
            prompt("{item}?", "each_", for_each="todo_"),
            code("todo_.append('green')"),
        ],
        [prompt("Who?", "who_", schema="name, tags[]"), code("who_['name'] = 'changed'")],
        [prompt("Who?", "who_", schema="name, age int"), prompt("{who_['name']} {who_}")],
        [
            code("asked_ = []\ndef tool_():\n    asked_.append(1)\n    return str(len(asked_))"),
            prompt("Go.", "called_", model="tool:tool_", tools=["tool_"]),
            prompt("{asked_} {called_}"),
        ],
        [code("1 / 0")],
        [prompt("Refused.", "never_", model="fail"), prompt("{never_}")],
        [code(f"try:\n    seen_ = {answer}\nexcept NameError:\n    seen_ = 'none yet'\nseen_")],
        [code("print(_)"), code("len(str(_))")],
        [prompt("{_}")],
        [code("data_ = b'bytes'"), prompt("Look.", attachments=["data_"]), code("data_ += b'!'")],
        [prompt("Told.", system="{" + answer + "}")],
        [code("import time\ntime.sleep(0.005)")],
    ]
    # What fails is as rare as it is in life: it takes most of what stands below with it.
    return [list(one) for one in chance.sample(extras, chance.choice((0, 0, 1, 1, 2)))]


def _mixed(chance: random.Random, sequences: list[list[Part]]) -> list[Part]:
    """The cells of all, each one's in its own order."""
    mixed: list[Part] = []
    waiting = [list(one) for one in sequences if one]
    while waiting:
        sequence = chance.choice(waiting)
        mixed.append(sequence.pop(0))
        while sequence and sequence[0].kind == "edit":  # it is of the cell before
            mixed.append(sequence.pop(0))
        if not sequence:
            waiting.remove(sequence)
    return mixed


def smaller(sketch: Sketch) -> list[Sketch]:
    """The notebooks that lack one cell of this one, for the search for the least that differs."""
    found = []
    for place, part in enumerate(sketch.parts):
        follows = sketch.parts[place + 1 : place + 2]
        if part.kind == "edit" or (follows and follows[0].kind == "edit"):
            continue
        parts = sketch.parts[:place] + sketch.parts[place + 1 :]
        found.append(replace(sketch, parts=parts))
    return found
