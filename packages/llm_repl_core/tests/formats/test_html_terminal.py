"""What a program wrote to a terminal, as HTML: each code alone, and what is over when it is."""

from __future__ import annotations

import pytest

from llm_repl_core.formats.html._terminal import draw_terminal_text


def span(text: str, *classes: str, style: str = "") -> str:
    names = " ".join(f"ansi-{name}" for name in classes)
    return f'<span class="{names}"' + (f' style="{style}"' if style else "") + f">{text}</span>"


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        # Sixteen colours, of the letters and behind them, and the ends of them.
        ("\x1b[31ma\x1b[0mb", span("a", "ink-red") + "b"),
        ("\x1b[31ma\x1b[mb", span("a", "ink-red") + "b"),
        ("\x1b[;31ma", span("a", "ink-red")),
        ("\x1b[91ma\x1b[39mb", span("a", "ink-red") + "b"),
        ("\x1b[42ma\x1b[49mb", span("a", "ground-green") + "b"),
        ("\x1b[107ma", span("a", "ground-white")),
        ("\x1b[7;31;44ma\x1b[27mb", span("a", "inverse", "ink-blue", "ground-red")
            + span("b", "ink-red", "ground-blue")),
        ("\x1b[1;4ma\x1b[22mb\x1b[24mc", span("a", "bold", "underline") + span("b", "underline") + "c"),
        ("\x1b[2;3;9ma\x1b[22;23;29mb", span("a", "dim", "italic", "strike") + "b"),
        # Any colour.
        ("\x1b[38;5;9ma", span("a", "ink-red")),
        ("\x1b[38;5;196ma", span("a", "ink", style="--ink-asked:#ff0000;")),
        ("\x1b[38;5;232ma", span("a", "ink", style="--ink-asked:#080808;")),
        ("\x1b[38;5;256ma", "a"),
        ("\x1b[48;2;1;2;999ma", span("a", "ground", style="--ground-asked:#0102ff;")),
        ("\x1b[38:5:196ma", span("a", "ink", style="--ink-asked:#ff0000;")),
        ("\x1b[38:2:1:2:3ma", span("a", "ink", style="--ink-asked:#010203;")),
        ("\x1b[38:2::1:2:3;1ma", span("a", "bold", "ink", style="--ink-asked:#010203;")),
        # Kinds of lines below, and their colours, which are no codes of their own.
        ("\x1b[4:3ma\x1b[4:0mb", span("a", "underline") + "b"),
        ("\x1b[58;2;1;3;9;31ma", span("a", "ink-red")),
        ("\x1b[58:5:1;4ma\x1b[59mb", span("a", "underline") + span("b", "underline")),
        # What is not whole asks for nothing.
        ("\x1b[38ma", "a"),
        ("\x1b[38;5ma", "a"),
        ("\x1b[38;2;1;4ma", "a"),
        ("\x1b[38;7;1ma", "a"),
        ("\x1b[99999999999ma", "a"),
        # Other sequences, of which nothing is shown.
        ("\x1b[?25la\x1b[?25h", "a"),
        ("\x1b]8;;http://a.example\x07a\x1b]8;;\x1b\\", "a"),
        ("\x1b(Ba\x1b7\x1b[2J", "a"),
        # Lines that are written anew.
        ("10%\r20%\rdone\n", "done\n"),
        ("loading\rdone", "doneing"),
        ("loading\rdone\x1b[K", "done"),
        ("\x1b[2K\rdone", "done"),
        ("\r", ""),
        ("a\r\nb", "a\nb"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)  # fmt: skip
def test_what_a_terminal_would_show(written, drawn):
    assert draw_terminal_text(written) == drawn
