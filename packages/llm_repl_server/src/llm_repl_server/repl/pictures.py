"""Pictures in the terminal: by the protocols of kitty, iTerm2 and sixel; else files with a name."""

from __future__ import annotations

import base64
import binascii
import os
import re
import select
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from llm_repl_server.cli.terminal_text import is_dumb

__all__ = ["PictureProtocol", "draw_picture", "picture_file", "picture_protocol"]

PictureProtocol = Literal["kitty", "iterm2", "sixel", "none"]

_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
}
_KITTY_PIECE = 4096
_QUERY_LIMIT_S = 0.3
_SIXEL_COLOURS = 256
_SIXEL_WIDTH = 800


@cache
def picture_protocol() -> PictureProtocol:
    """How this terminal shows pictures: by what it says of itself, else by what it answers."""
    if not sys.stdout.isatty() or is_dumb():
        return "none"
    known = protocol_by_environment(os.environ)
    if known is not None:
        return known
    return "sixel" if "4" in _device_attributes() else "none"


def protocol_by_environment(environment: Mapping[str, str]) -> PictureProtocol | None:
    """What a terminal says of itself; None: nothing.

    Args:
        environment: The variables that it sets.
    """
    chosen = environment.get("LLM_REPL_PICTURES")
    for protocol in ("kitty", "iterm2", "sixel", "none"):
        if chosen == protocol:
            return protocol
    if environment.get("TMUX") or environment.get("TERM", "").startswith(("screen", "tmux")):
        return "none"  # which keeps them from the terminal
    program = environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or environment.get("TERM") == "xterm-kitty":
        return "kitty"
    if program == "ghostty" or "GHOSTTY_RESOURCES_DIR" in environment:
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "vscode", "mintty"):
        return "iterm2"
    return None


def draw_picture(kind: str, data: bytes, protocol: PictureProtocol) -> str | None:
    """What makes a terminal show a picture; None: it cannot show this one.

    Args:
        kind: Its MIME type.
        data: The picture.
        protocol: How the terminal shows pictures.
    """
    if protocol == "kitty" and kind == "image/png":
        return _kitty(data)
    if protocol == "iterm2" and kind != "image/svg+xml":
        text = base64.b64encode(data).decode("ascii")
        return f"\x1b]1337;File=inline=1;size={len(data)}:{text}\x07\n"
    if protocol == "sixel" and kind != "image/svg+xml":
        return _sixel(data)
    return None


def picture_file(folder: Path, name: str, kind: str, data: bytes) -> Path:
    """Write a picture to a file that only its owner can read; where it is.

    Args:
        folder: Where pictures go.
        name: Without an ending; where it is taken, a number follows.
        kind: Its MIME type.
        data: The picture.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ending = _ENDINGS.get(kind, "bin")
    for number in range(1, 10_000):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.{ending}"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path
    raise FileExistsError(f"{folder} has ten thousand pictures of that name")


def picture_bytes(kind: str, content: object) -> bytes | None:
    """A picture of a MIME bundle; None: it is none.

    Args:
        kind: Its MIME type.
        content: What the bundle has: base64, or the text of an SVG.
    """
    if not isinstance(content, str):
        return None
    if kind == "image/svg+xml":
        return content.encode("utf-8", "replace")
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        return None


def _kitty(data: bytes) -> str:
    text = base64.b64encode(data).decode("ascii")
    pieces = [text[at : at + _KITTY_PIECE] for at in range(0, len(text), _KITTY_PIECE)]
    drawn = []
    for number, piece in enumerate(pieces):
        head = "a=T,f=100,q=2," if number == 0 else ""
        drawn.append(f"\x1b_G{head}m={int(number < len(pieces) - 1)};{piece}\x1b\\")
    return "".join(drawn) + "\n"


def _sixel(data: bytes) -> str | None:
    """By Pillow, which whoever draws with matplotlib has; None: it is not there."""
    try:
        from io import BytesIO

        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(BytesIO(data)) as opened:
            flat = Image.new("RGB", opened.size, "white")
            picture = opened.convert("RGBA")
            flat.paste(picture, mask=picture.getchannel("A"))
    except Exception:  # noqa: BLE001  whatever a broken picture makes of its reader
        return None
    flat.thumbnail((_SIXEL_WIDTH, _SIXEL_WIDTH))
    few = flat.quantize(_SIXEL_COLOURS)
    return _encode_sixel(few.tobytes(), few.width, few.height, few.getpalette() or [])


def _encode_sixel(pixels: bytes, width: int, height: int, palette: list[int]) -> str:
    drawn = [f'\x1bPq"1;1;{width};{height}']
    for colour in range(len(palette) // 3):
        red, green, blue = (palette[3 * colour + part] * 100 // 255 for part in range(3))
        drawn.append(f"#{colour};2;{red};{green};{blue}")
    for top in range(0, height, 6):
        rows = [pixels[row * width : (row + 1) * width] for row in range(top, min(top + 6, height))]
        for colour in sorted(set(b"".join(rows))):
            line = bytearray(width)
            for bit, row in enumerate(rows):
                at = row.find(colour)
                while at >= 0:
                    line[at] |= 1 << bit
                    at = row.find(colour, at + 1)
            drawn.append(f"#{colour}{_packed(line)}$")
        drawn.append("-")
    return "".join(drawn) + "\x1b\\\n"


def _packed(line: bytearray) -> str:
    text = "".join(chr(63 + bits) for bits in line)
    return re.sub(r"(.)\1{3,}", lambda run: f"!{len(run[0])}{run[1]}", text)


def _device_attributes() -> set[str]:
    """What the terminal answers when it is asked what it is, within a limit."""
    try:
        import termios
    except ImportError:
        return set()
    if not sys.stdin.isatty():
        return set()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    raw = [*before[:3], before[3] & ~(termios.ECHO | termios.ICANON), *before[4:]]
    termios.tcsetattr(descriptor, termios.TCSADRAIN, raw)
    answer = b""
    try:
        sys.stdout.write("\x1b[c")
        sys.stdout.flush()
        until_s = time.monotonic() + _QUERY_LIMIT_S
        while not answer.endswith(b"c") and (left_s := until_s - time.monotonic()) > 0:
            if not select.select([descriptor], [], [], left_s)[0]:
                break
            answer += os.read(descriptor, 100)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    found = re.search(rb"\x1b\[\?([0-9;]+)c", answer)
    return set(found[1].decode("ascii").split(";")) if found else set()
