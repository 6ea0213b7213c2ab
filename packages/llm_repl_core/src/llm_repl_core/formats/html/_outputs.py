"""What cells gave, as HTML. Of the forms of a display, the one that says most is shown."""

from __future__ import annotations

import json
import re
from typing import Any

from llm_repl_core.formats.html._addresses import data_address
from llm_repl_core.formats.html._formulas import draw_formula
from llm_repl_core.formats.html._markdown import draw_markdown
from llm_repl_core.formats.html._markup import Markup, element, join
from llm_repl_core.formats.html._tables import draw_table
from llm_repl_core.formats.html._terminal import draw_terminal_text
from llm_repl_core.model.output import Output

__all__ = ["draw_folded", "draw_json", "draw_output"]

_ORDER = (
    r"image/",
    r"video/",
    r"audio/",
    r"text/html",
    r"text/latex",
    r"text/markdown",
    r"application/(?:geo\+|.*\+)?json",
    r"text/plain",
    r"text/",
)
_NEEDS_SCRIPTS = re.compile(r"application/vnd\.(plotly|vega|vegalite|jupyter|bokeh|holoviews)")
_PICTURE = re.compile(r"image/(?:png|jpeg|gif|webp|avif|bmp|svg\+xml)")
_RECORDING = re.compile(r"(audio|video)/[\w.+-]+")
_SCRIPT = re.compile(r"<(?:script|iframe)[\s>]", re.IGNORECASE)
_CONNECTS = re.compile(
    r"<(/?)(?=(?:link|meta|base|i?frame|frameset|fencedframe|portal|object|embed)\b)",
    re.IGNORECASE,
)
"""Elements for which a browser connects to a server, although the policy keeps it from asking it."""
_COLOURED = re.compile(r"background|bgcolor|fill=", re.IGNORECASE)
_LINES = 40
_CHARACTERS = 10_000
"""What is longer is folded: the beginning is shown."""
_CUT_CODE = re.compile(r"\x1b[^\x1b]{0,40}\Z")
_MOST_WIDTH_PX = 10_000


def draw_output(output: Output) -> Markup:
    """An output that is no answer.

    Args:
        output: Of any type; one that is not known is shown as text.
    """
    match output.type:
        case "stdout" | "stderr":
            return draw_folded(output.content, "stream" + " on-error" * (output.type == "stderr"))
        case "error":
            return _draw_failure(output)
        case "display":
            return _draw_display(output)
        case "markdown":
            return element("div", draw_markdown(output.content), class_="prose")
        case "warning":
            return element("p", output.content, class_="warning")
        case "tool_call":
            name = output.fields.get("name")
            head = element("summary", "Tool ", element("code", str(name or "")))
            return element(
                "details", head, element("pre", output.content, class_="stream"), class_="tool-call"
            )
    return draw_folded(output.content, "stream")


def draw_folded(text: str, css_class: str) -> Markup:
    """A text of a program. Of a long one the beginning is shown, and the rest on a click.

    Args:
        text: With the codes of terminals.
        css_class: How it looks.
    """
    text = text.rstrip("\n")
    lines = text.count("\n") + 1
    if lines <= 2 * _LINES and len(text) <= 2 * _CHARACTERS:
        return element("pre", draw_terminal_text(text), class_=css_class)
    beginning = "\n".join(text.split("\n", _LINES)[:_LINES])
    if len(beginning) <= _CHARACTERS:
        rest, more = text[len(beginning) + 1 :], f"{lines - _LINES:,} more lines"
    else:
        # Not in the midst of what is meant for a terminal.
        beginning = _CUT_CODE.sub("", text[:_CHARACTERS])
        rest = text[len(beginning) :]
        more = f"{len(rest):,} more characters"
    return join(
        element("pre", draw_terminal_text(beginning), class_=css_class),
        element(
            "details",
            element("summary", more),
            element("pre", draw_terminal_text(rest), class_=css_class),
            class_="more",
        ),
    )


def draw_json(value: object) -> Markup:
    """A value of JSON, as text.

    Args:
        value: The value.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return draw_folded(text, "stream")


def _draw_failure(output: Output) -> Markup:
    name, message = output.fields.get("ename"), output.fields.get("evalue")
    sentence = f"{name}: {message}" if name and message else output.content
    found = output.fields.get("traceback")
    traceback = "\n".join(map(str, found)) if isinstance(found, list) else ""
    folded: Markup | str = ""
    if "\n" in traceback:
        folded = element(
            "details",
            element("summary", "Traceback"),
            element("pre", draw_terminal_text(traceback), class_="stream"),
        )
    return element(
        "div", element("p", element("b", "Failed"), " ", sentence), folded, class_="failure"
    )


def _draw_display(output: Output) -> Markup:
    found = output.fields.get("data")
    data: dict[str, Any] = found if isinstance(found, dict) else {}
    for media_type in sorted(data, key=_rank):
        shown = _draw_form(output, media_type, data[media_type])
        if shown is not None:
            return shown
    note = _note(data)
    text = draw_folded(output.content, "stream") if output.content.strip() else ""
    return join(text, element("p", note, class_="note") if note else "")


def _rank(media_type: str) -> int:
    for at, pattern in enumerate(_ORDER):
        if re.match(pattern, media_type):
            return at
    return len(_ORDER)


def _note(data: dict[str, Any]) -> str | None:
    if any(map(_NEEDS_SCRIPTS.match, data)) or _SCRIPT.search(_text(data.get("text/html")) or ""):
        return "This is interactive, and needs the notebook: nothing runs in this page."
    unknown = [media_type for media_type in data if _rank(media_type) == len(_ORDER)]
    return f"There is also {unknown[0]}, which this page cannot show." if unknown else None


def _draw_form(output: Output, media_type: str, value: object) -> Markup | None:
    """One form of a display; None where it shows nothing here."""
    base = media_type.split(";")[0]
    if _NEEDS_SCRIPTS.match(base):
        return None
    if re.fullmatch(r"application/(?:.*\+)?json", base):
        return draw_json(value)
    text = _text(value)
    if text is None or not text.strip():
        return None
    if _PICTURE.fullmatch(base):
        return _draw_picture(output, base, text)
    if recording := _RECORDING.fullmatch(base):
        address = data_address(base, text)
        return element(recording[1], src=address, controls=True, preload="metadata")
    match base:
        case "text/html":
            return draw_table(text) or _draw_frame(text, _label(output))
        case "text/latex":
            return element("p", draw_formula(text, is_display=True))
        case "text/markdown":
            return element("div", draw_markdown(text), class_="prose")
        case "text/plain":
            return None  # with a note of what cannot be shown
    return draw_folded(text, "stream") if base.startswith("text/") else None


def _draw_picture(output: Output, media_type: str, content: str) -> Markup:
    picture = element(
        "img",
        src=data_address(media_type, content),
        alt=_label(output),
        width=_width(output, media_type),
    )
    return element("div", picture, class_="plate")


def _draw_frame(html: str, label: str) -> Markup | None:
    """HTML in a frame that runs nothing and loads nothing; its height is guessed."""
    still = _CONNECTS.sub(r"<\1no-", _without_scripts(html))
    if not re.sub(r"<style.*?(?:</style>|\Z)|<[^>]*>", "", still, flags=re.DOTALL).strip() and not (
        re.search(r"<(?:svg|img|table|hr)\b", still)
    ):
        return None  # a chart that its script draws
    # Grounds of its own were chosen for dark text: it stands on a light plate, as pictures do.
    is_coloured = _COLOURED.search(still) is not None
    scheme = "light" if is_coloured else "light dark"
    return element(
        "iframe",
        class_="sandbox plate" if is_coloured else "sandbox",
        title=label,
        sandbox="",
        srcdoc=_FRAME_HEAD.replace("$scheme", scheme) + still,
        height=str(_height_px(still)),
        referrerpolicy="no-referrer",
    )


def _without_scripts(html: str) -> str:
    """Nothing runs in the frame in any case: what is left out is not seen, and may be megabytes."""
    return re.sub(r"<script\b.*?(?:</script\s*>|\Z)", "", html, flags=re.DOTALL | re.IGNORECASE)


def _height_px(html: str) -> int:
    """About how high it is: a frame cannot say so without a script."""
    declared = re.search(r"<svg\b[^>]*\bheight=[\"']?(\d+(?:\.\d+)?)(?:px|pt)?[\"'\s>]", html)
    rows = len(re.findall(r"<(?:tr|p|li|br|h[1-6]|div|pre|summary)\b", html, re.IGNORECASE))
    text = re.sub(r"<style.*?(?:</style>|\Z)|<[^>]*>", "", html, flags=re.DOTALL)
    height = 24 + 30 * max(rows, len(" ".join(text.split())) // 90)
    lines = sum(found[0].count("\n") for found in re.finditer(r"<pre\b.*?</pre>", html, re.DOTALL))
    height += 20 * lines + 60 * len(re.findall(r"<audio\b", html, re.IGNORECASE))
    if declared is not None:
        height = max(height, 24 + int(float(declared[1]) * 1.34))
    return max(48, min(height, 640))


_FRAME_HEAD = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src data:; style-src 'unsafe-inline'\"><style>html{font:13px/20px Inter,system-ui,"
    "sans-serif;color-scheme:$scheme}body{margin:0}table{border:0;border-collapse:collapse}"
    "th,td{border:0;border-bottom:1px solid #8883;padding:5px 16px 6px 0;text-align:left}"
    "th{font-weight:500}</style>"
)


def _label(output: Output) -> str:
    return output.content.split("\n", 1)[0][:200] or "output"


def _width(output: Output, media_type: str) -> str | None:
    """How wide a picture is to be, where its maker says so: of its type, or of all."""
    metadata = output.fields.get("metadata")
    if not isinstance(metadata, dict):
        return None
    own = metadata.get(media_type, metadata)
    width = own.get("width") if isinstance(own, dict) else None
    if isinstance(width, int | float) and 0 < width < _MOST_WIDTH_PX:
        return str(int(width))
    return None


def _text(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else None
