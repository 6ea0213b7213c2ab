"""The promises of a file format, as tests that its author subclasses.

::

    class TestMyFormat(FormatSuite):
        def make_format(self) -> Format:
            return MyFormat()
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats.base import Format
from llm_repl_core.model.cell import CodeCell, ForeignCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

__all__ = ["FormatSuite"]

_HOSTILE = (
    b"",
    b"\x00",
    b"\xff\xfe{\x00}\x00",
    b"null",
    b"[]",
    b"{}",
    b'{"cells": 1}',
    b'{"cells": [1, null, "a", {}]}',
    b'{"cells": [{"type": 3}], "nbformat": 4}',
    b'{"nbformat": "four", "cells": {}}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"%PDF-1.7\n",
)
_DAMAGED_COPIES = 300


class FormatSuite:
    """What every format must keep. A format that cannot keep all of a notebook overrides `same`."""

    def make_format(self) -> Format:
        """A new object of the format."""
        raise NotImplementedError

    def same(self, before: Notebook, after: Notebook) -> bool:
        """Whether all that the format keeps has come back."""
        return before == after

    def test_names_itself(self) -> None:
        """It has a name, an ending in lower case and a media type."""
        format_ = self.make_format()
        assert format_.name
        assert format_.suffix.startswith(".")
        assert format_.suffix == format_.suffix.lower()
        assert "/" in format_.media_type

    def test_brings_a_notebook_back(self) -> None:
        """All that it keeps of a notebook comes back."""
        format_, notebook = self.make_format(), _sample()
        assert self.same(notebook, format_.decode(format_.encode(notebook)))

    def test_brings_an_empty_notebook_back(self) -> None:
        """A notebook without cells comes back too."""
        format_, notebook = self.make_format(), Notebook("Empty")
        assert self.same(notebook, format_.decode(format_.encode(notebook)))

    def test_writes_the_same_bytes_for_the_same_notebook(self) -> None:
        """Saving changes nothing where nothing changed."""
        format_, notebook = self.make_format(), _sample()
        data = format_.encode(notebook)
        assert format_.encode(notebook) == data
        assert format_.encode(format_.decode(data)) == data

    def test_leaves_the_notebook_as_it_was(self) -> None:
        """Writing does not change what is written."""
        notebook = _sample()
        self.make_format().encode(notebook)
        assert notebook == _sample()

    def test_keeps_cells_and_outputs_of_unknown_types(self) -> None:
        """A newer version's cells survive this one."""
        format_ = self.make_format()
        foreign = ForeignCell(
            foreign_type="HologramCell", content="spin", id="h", extra={"axis": {"x": 1}}
        )
        foreign.outputs = [Output("hologram", "as text", {"frames": [1, 2]})]
        notebook = Notebook("Foreign", cells=[foreign])
        assert self.same(notebook, format_.decode(format_.encode(notebook)))

    def test_hostile_bytes_give_one_sentence(self) -> None:
        """Files of other kinds are refused in words."""
        for data in _HOSTILE:
            self._decode_or_refuse(data)

    def test_damaged_files_give_a_notebook_or_one_sentence(self) -> None:
        """So are files that were cut or changed."""
        for data in _damaged(self.make_format().encode(_sample())):
            self._decode_or_refuse(data)

    def _decode_or_refuse(self, data: bytes) -> None:
        try:
            self.make_format().decode(data)
        except InvalidNotebook as error:
            message = str(error)
            assert message.endswith(".")
            assert "\n" not in message
            assert len(message) < 500
            message.encode()


def _damaged(data: bytes) -> Iterator[bytes]:
    """Copies that were cut, and copies in which bytes were changed; the same ones every time."""
    chance = random.Random(0)  # noqa: S311  not for secrets
    for _ in range(_DAMAGED_COPIES):
        yield data[: chance.randrange(len(data))]
        copy = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            copy[chance.randrange(len(copy))] = chance.choice(b'\x00\x80 "{}[],:0x\\')
        yield bytes(copy)


def _sample() -> Notebook:
    """A notebook with something of everything, the same one every time."""
    created_at = datetime(2025, 3, 1, 9, 30, 0, 250, tzinfo=timezone(timedelta(hours=2)))
    code = CodeCell(
        content="print('a\tb')\n\nlen(x)\n",
        id="Ein Name mit Leerzeichen",
        outputs=[
            Output.stdout("a\tb\r\n"),
            Output.stderr("late\n"),
            Output.display({"text/plain": "3", "image/png": "aGk=", "text/html": "<b>\n3</b>"}),
            Output.display({"application/json": ["a", {"b": None}]}, {"application/json": {}}),
            Output.error("ValueError", "no\nway", ["line 1", "\x1b[31mline 2\x1b[0m"]),
            Output("error", "an older kind of error"),
            Output.warning("Slow."),
        ],
        status="error",
        execution_count=7,
        metadata={"tags": ["a", "b"], "collapsed": False},
    )
    prompt = PromptCell(
        content='Sag "hallo" zu {who}. 🤖\n',
        id="prompt-1",
        outputs=[Output.llm_response("Sag …", "Hallo!\n\n- eins\n", model="m", usage={"in": 3})],
        status="completed",
        model="mock/echo",
        temperature=0.5,
        response_var="answer",
        extra={"starred": True},
    )
    memory = MemoryCell(content="x = {'a': 1}  # keep", id="m")
    memory.outputs = [Output.memory_update(["x"], {"x": "{'a': 1}"})]
    return Notebook(
        "Größe & Maß",
        id="0b6ac2a4-1c51-4f0c-9f0e-2a8c3cb3e0aa",
        cells=[MarkdownCell(content="# Title\n", id="t"), code, prompt, memory],
        created_at=created_at,
        updated_at=datetime(2025, 3, 2, tzinfo=UTC),
        metadata=msgspec.json.decode(b'{"kernel": "python3", "deep": {"list": [1, 2.5, null]}}'),
        memory={"x": {"a": 1}},
        state_keys=["who", "x"],
        extra={"from_a_newer_version": [1]},
    )
