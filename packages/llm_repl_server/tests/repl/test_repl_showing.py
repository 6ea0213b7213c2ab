"""Frames, pictures and the status line, as a terminal of some width shows them."""

from __future__ import annotations

import base64
import stat
import zlib
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from llm_repl_server.cli.frames import fit_table, read_frame
from llm_repl_server.cli.terminal_text import display_width
from llm_repl_server.repl.pictures import (
    draw_picture,
    picture_bytes,
    picture_file,
    protocol_by_environment,
)
from llm_repl_server.repl.status_line import Status, status_text

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def drawn(frame: pd.DataFrame, columns: int) -> list[str]:
    html: str = frame._repr_html_()  # type: ignore[operator]
    table = read_frame(html)
    assert table is not None
    text = StringIO()
    Console(file=text, width=columns, color_system=None).print(fit_table(table, columns))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_a_frame_that_fits_is_whole() -> None:
    frame = pd.DataFrame({"city": ["Köln", "東京"], "people": [1_087_000, None]})
    assert drawn(frame, 40) == [
        "   city     people",
        "0  Köln  1087000.0",
        "1  東京        NaN",
    ]


@given(st.integers(1, 60), st.integers(20, 120))
def test_a_frame_is_never_wider_than_the_terminal(count: int, columns: int) -> None:
    frame = pd.DataFrame([range(count)], columns=[f"column{number}" for number in range(count)])
    lines = drawn(frame, columns)
    assert len(lines) == 2
    assert all(display_width(line) <= columns for line in lines)
    assert ("…" in lines[0]) == (f"column{count // 2}" not in lines[0])


def test_levels_of_columns_and_hostile_texts() -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert drawn(frame, 40)[0].split() == ["a"]
    text = "\n".join(drawn(pd.DataFrame({"x": ["\x1b[2J<b>&"]}), 40))
    assert "\x1b" not in text
    assert "<b>&" in text
    assert read_frame("<table><tr><td>1</td></tr></table>") is None


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}, "none"),
        ({"TERM": "xterm-256color"}, None),
        ({"LLM_REPL_PICTURES": "sixel", "TERM": "xterm-kitty"}, "sixel"),
    ],
)
def test_terminals_say_how_they_show_pictures(
    environment: dict[str, str], protocol: str | None
) -> None:
    assert protocol_by_environment(environment) == protocol


def test_a_picture_is_drawn_by_each_protocol() -> None:
    kitty = draw_picture("image/png", PIXEL * 100, "kitty")
    assert kitty is not None
    pieces = kitty.strip().split("\x1b\\")[:-1]
    assert len(pieces) > 1
    sent = "".join(piece.partition(";")[2] for piece in pieces)
    assert base64.b64decode(sent) == PIXEL * 100
    iterm = draw_picture("image/png", PIXEL, "iterm2")
    assert iterm is not None
    assert base64.b64decode(iterm.partition(":")[2].rstrip("\n\a")) == PIXEL
    sixel = draw_picture("image/png", PIXEL, "sixel")
    assert sixel is not None
    assert sixel.startswith("\x1bPq")
    assert draw_picture("image/png", b"broken", "sixel") is None
    assert draw_picture("image/svg+xml", b"<svg/>", "kitty") is None
    assert picture_bytes("image/png", "not base64!") in (None, b"\x9e\x8b^m\xab\x1e\xeb")


def test_a_picture_that_cannot_be_shown_is_a_file_of_its_own(tmp_path: Path) -> None:
    first = picture_file(tmp_path / "pictures", "cell-3", "image/png", PIXEL)
    second = picture_file(tmp_path / "pictures", "cell-3", "image/png", zlib.compress(PIXEL))
    assert (first.name, second.name) == ("cell-3.png", "cell-3-2.png")
    assert first.read_bytes() == PIXEL
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


@given(st.integers(1, 200))
def test_the_status_line_fits_and_keeps_what_matters(columns: int) -> None:
    status = Status()
    status.model = "openai/gpt-5.4-mini"
    status.tokens, status.price_usd, status.has_price = 12_345, 0.0123, True
    status.spent_usd, status.limit_usd = 1.5, 2.0
    status.kernel = "idle"
    text = status_text("prompt", status, columns)
    assert display_width(text) <= columns
    if columns >= 40:
        assert text.startswith("prompt · ")
        assert "12,345 tokens" in text
        assert "≤ $0.0123" in text
    if columns == 200:
        assert text.endswith("openai/gpt-5.4-mini · 12,345 tokens · ≤ $0.0123") or (
            "spent $1.50 of $2.00 · kernel idle" in text
        )
