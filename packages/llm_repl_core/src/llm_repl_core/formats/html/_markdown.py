"""Markdown as HTML: nothing in it runs, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from llm_repl_core.errors import InvalidInput
from llm_repl_core.formats.html._addresses import picture_address, safe_link
from llm_repl_core.formats.html._code import highlight
from llm_repl_core.formats.html._formulas import draw_formula
from llm_repl_core.formats.html._markup import Markup, element, escape, join, printable, scrolling

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

__all__ = ["draw_markdown"]

_MOST_LENGTH = 100_000
"""What is longer is shown as it is written: a hostile text takes a time that is quadratic."""
_MOST_FORMULA = 2_000
_ALIGNED = {"text-align:right": "number", "text-align:center": "centered"}


def draw_markdown(text: str, attachments: dict[str, Any] | None = None) -> Markup:
    """A text in Markdown.

    Args:
        text: The text. HTML in it is shown as text, as the page does.
        attachments: The pictures that come with its cell: MIME bundles by name.

    Raises:
        InvalidInput: What reads Markdown is not installed.
    """
    if len(text) > _MOST_LENGTH:
        return element("pre", text, class_="stream")
    try:
        return Markup(_parser().render(printable(text) + "\n", {"attachments": attachments or {}}))
    except RecursionError:
        return element("pre", text, class_="stream")


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin
        from mdit_py_plugins.tasklists import tasklists_plugin
    except ImportError:
        raise InvalidInput(
            "Notebooks as .html need markdown-it-py: install llm-repl-core[html]."
        ) from None
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 40})
    parser.enable(["table", "strikethrough"])
    parser.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        double_inline=True,
    )
    parser.use(tasklists_plugin)
    parser.inline.ruler.before("escape", "bracketed_math", _inline_brackets)
    parser.block.ruler.before("fence", "bracketed_math", _block_brackets, {"alt": ["paragraph"]})
    parser.validateLink = _any_link  # type: ignore[method-assign]  # as its documentation has it
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _any_link(url: str) -> bool:  # noqa: ARG001  # the parser's signature
    return True  # where it may not be followed, the text stays: see `_draw_link_open`


def _inline_brackets(state: StateInline, silent: bool) -> bool:
    r"""``\(…\)`` and ``\[…\]``, as models write formulas."""
    closing = {r"\(": r"\)", r"\[": r"\]"}.get(state.src[state.pos : state.pos + 2])
    if closing is None:
        return False
    begin = state.pos + 2
    end = state.src.find(closing, begin, min(state.posMax, begin + _MOST_FORMULA))
    if end < 0 or not state.src[begin:end].strip():
        return False
    if not silent:
        name = "math_inline" if closing == r"\)" else "math_inline_double"
        token = state.push(name, "math", 0)
        token.content = state.src[begin:end]
    state.pos = end + 2
    return True


def _block_brackets(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""``\[`` on a line of its own, up to ``\]``: nothing between them is Markdown."""
    begin = state.eMarks[first]
    end = state.src.find("\\]\n", begin, begin + _MOST_FORMULA)
    if end < 0 or _line(state, first).strip() != r"\[" or state.is_code_block(first):
        return False
    for line in range(first + 1, last):
        if state.sCount[line] < state.blkIndent and not state.isEmpty(line):
            return False  # what it stands in is over
        if state.eMarks[line] < end:
            continue
        if not silent:
            token = state.push("math_block", "math", 0)
            token.block = True
            lines = state.getLines(first + 1, line + 1, state.blkIndent, False)
            token.content = lines.rstrip().removesuffix(r"\]")
            token.map = [first, line + 1]
        state.line = line + 1
        return True
    return False


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _draw_fence(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return _fence(tokens[at].content, *tokens[at].info.split()[:1])


def _draw_code_block(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return _fence(tokens[at].content)


def _draw_image(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    address = str(token.attrs.get("src", ""))
    alt = renderer.renderInlineAsText(token.children, options, env) if token.children else ""
    shown = picture_address(address, env["attachments"])
    if shown is not None:
        return element("img", src=shown, alt=alt)
    # A picture that is fetched would tell its server who reads the page.
    return element("a", f"[picture: {alt or address}]", href=safe_link(address), rel="noreferrer")


def _draw_link_open(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    # Without an address where a click may not follow it: it leads nowhere then.
    title = tokens[at].attrs.get("title")
    return _opening(
        "a",
        href=safe_link(str(tokens[at].attrs.get("href", ""))),
        title=str(title) if title else None,
        rel="noreferrer",
    )


def _draw_table_open(*_: Any) -> str:
    return '<div tabindex="0" class="scrolls"><table class="grid">'


def _draw_table_close(*_: Any) -> str:
    return "</table></div>\n"


def _draw_cell_open(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return _opening(tokens[at].tag, class_=_ALIGNED.get(str(tokens[at].attrs.get("style", ""))))


def _draw_inline_formula(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return draw_formula(tokens[at].content, is_display=False)


def _draw_display_formula(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return draw_formula(tokens[at].content, is_display=True)


_RULES: Mapping[str, Callable[..., str]] = {
    "code_block": _draw_code_block,
    "fence": _draw_fence,
    "image": _draw_image,
    "link_open": _draw_link_open,
    "math_block": _draw_display_formula,
    "math_inline": _draw_inline_formula,
    "math_inline_double": _draw_display_formula,
    "table_close": _draw_table_close,
    "table_open": _draw_table_open,
    "td_open": _draw_cell_open,
    "th_open": _draw_cell_open,
}
"""How tokens become HTML, by their types."""


def _opening(name: str, **attributes: str | None) -> Markup:
    return Markup(element(name, **attributes).removesuffix(f"</{name}>"))


def _fence(code: str, language: str = "") -> Markup:
    head = element("div", language, class_="fence-head") if language else escape("")
    shown = highlight(code.removesuffix("\n"), language) if language else escape(code)
    kind = "fence" if language else "fence no-head"
    return join(element("div", head, scrolling("pre", element("code", shown)), class_=kind), "\n")
