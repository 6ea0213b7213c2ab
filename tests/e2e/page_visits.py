"""Visits the views of the page in three widths and both themes, and looks at each: with axe, for
what stands over the edge, for what a finger would miss. Each look leaves a picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from page_views import VIEWS, Stand

__all__ = ["BESIDE_THE_DESIGN", "SIZES", "THEMES", "TOO_SMALL", "ZOOMED", "Visitor", "visits"]

SIZES = {1440: 900, 768: 1024, 360: 740}
ZOOMED = 640  # what 200 % zoom leaves of a window of 1280 × 800 px
PHONE = 360
# What the design shows in one width, or not at all.
BESIDE_THE_DESIGN = ("phone_edit", "context", "folded", "find", "more", "deleted", "browse")
THEMES = ("light", "dark")
LIMIT_MS = 30_000
# A picture of one colour is smaller, even of the largest window.
LEAST_BYTES = 9_000
# After them the browser has edits that the server has not: the next view begins with another one.
KEEPS_EDITS = ("offline", "conflict")

# Contrast costs most of the time. It depends on the theme, hardly on the width.
AXE = """([source, what]) => {
  if (!window.axe) new Function(source)();
  const contrast = ['color-contrast', 'link-in-text-block'];
  const options = {
    all: {rules: {'target-size': {enabled: true}}},
    form: {rules: Object.fromEntries(contrast.map((id) => [id, {enabled: false}]))},
    contrast: {runOnly: contrast},
  }[what];
  return axe.run(document, {resultTypes: ['violations'], ...options}).then(({violations}) => violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    // What is far out of sight is not laid out, and has its tab stop when it comes near.
    .map(({id, impact, nodes}) => ({id, impact, nodes: nodes.filter(({target}) => id !== 'scrollable-region-focusable'
      || document.querySelector(target[0])?.checkVisibility({contentVisibilityAuto: true}))}))
    .flatMap(({id, impact, nodes}) => nodes.slice(0, 3).map((node) => `${id} (${impact}): ${node.html.slice(0, 160)}`)));
}"""
AXE_RULES = {
    (1440, "light"): "all",
    (768, "light"): "form",
    (360, "light"): "form",
    (360, "dark"): "contrast",
    (ZOOMED, "light"): "form",
}

OVER_THE_EDGE = """() => {
  const {scrollWidth} = document.documentElement;
  const wide = scrollWidth > innerWidth ? [`${scrollWidth} px wide in a window of ${innerWidth}`] : [];
  // The bar stays where it is: what stands under its menus' lower edge cannot be scrolled to.
  const low = [...document.querySelectorAll('.top [role=menu]')].filter((menu) => menu.getBoundingClientRect().bottom > innerHeight);
  return [...wide, ...low.map((menu) => `below the window: ${menu.innerText.slice(-40)}`)];
}"""

# The spacing that a page has to bear by WCAG 1.4.12. A sheet of its own, as the server lets no style in.
WIDER = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } ' +
    'p { margin-bottom: 2em !important }');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
# What is one line on purpose: where a text was found, a folded cell, and the bar's name, which has a title.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
  .filter((one) => one.textContent.trim() && one.checkVisibility({checkVisibilityCSS: true, contentVisibilityAuto: true})
    && !one.closest('.find-matches, .folded, .bar, .bottom-bar, .cm-editor, .unseen'))
  .filter((one) => getComputedStyle(one).textOverflow === 'ellipsis' && getComputedStyle(one).overflowX !== 'visible')
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => `cut off: ${one.className} ${one.textContent.trim().slice(0, 80)}`)"""

TO_THE_FOCUS = """() => {
  const cell = document.querySelector('.cell.has-focus:not(.fills-phone)');
  cell?.scrollIntoView({block: cell.offsetHeight < innerHeight / 2 ? 'center' : 'start'});
}"""

# Links in a text are as high as its lines; a place for the finger may be larger than what is drawn.
TOO_SMALL = """() => [...document.querySelectorAll('button, select, [role=tab], [role=option], [role=menuitem]')]
  .filter((target) => target.checkVisibility({checkVisibilityCSS: true}) && !target.disabled)
  .flatMap((target) => {
    const box = target.getBoundingClientRect();
    const place = getComputedStyle(target, '::after');
    const height = Math.max(box.height, place.position === 'absolute' ? parseFloat(place.height) : 0);
    return height && height < 43.5 ? [`${Math.round(height)} px high: ${target.outerHTML.slice(0, 160)}`] : [];
  })"""


class Visitor:
    """Looks at views in one browser.

    Attributes:
        stand: Where the views are.
        findings: What was found, by view, width and theme.
        pictures: The files that were written.
    """

    def __init__(
        self,
        browser: Any,
        stand: Stand,
        folder: Path,
        axe: str | None = None,
        *,
        is_wider: bool = False,
        **media: str,
    ) -> None:
        self._browser = browser
        self.stand = stand
        self._folder = folder
        self._axe = axe
        self._is_wider = is_wider
        self._media = {"reduced_motion": "reduce"} | media
        self._context: Any = None
        self.findings: dict[str, list[str]] = {}
        self.pictures: list[Path] = []

    def visit(self, view: str, *widths: int) -> None:
        """Look at a view in a window that is made narrower, and in the end takes fingers."""
        self.stand.window = window = self._fresh_window()
        VIEWS[view](self.stand)
        if self._is_wider:
            window.evaluate(WIDER)
            window.wait_for_selector("html[data-spaced]")
        for width in widths:
            window.set_viewport_size({"width": width, "height": _height(width)})
            if width == PHONE:
                touch = window.context.new_cdp_session(window)
                touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
            window.evaluate(TO_THE_FOCUS)
            self.stand.show_again()
            for theme in THEMES:
                self._look(view, width, theme)
        window.close()
        self.stand.settle()
        if view in KEEPS_EDITS:
            self.close()

    def close(self) -> None:
        """Forget what the browser keeps."""
        if self._context is not None:
            self._context.close()
        self._context = None

    def _fresh_window(self) -> Any:
        if self._context is None:
            # Without motion, nothing has to be waited for until it is there.
            self._context = self._browser.new_context(
                viewport={"width": 1440, "height": SIZES[1440]}, **self._media
            )
            self._context.set_default_timeout(LIMIT_MS)
        return self._context.new_page()

    def _look(self, view: str, width: int, theme: str) -> None:
        window = self.stand.window
        window.emulate_media(color_scheme=theme)
        picture = self._folder / f"{view}-{width}-{theme}.png"
        picture.write_bytes(window.screenshot(caret="initial"))
        self.pictures.append(picture)
        found = [*window.evaluate(OVER_THE_EDGE), *picture_faults(picture, width)]
        if theme == THEMES[0] and width == PHONE:
            found += window.evaluate(TOO_SMALL)
        if self._is_wider:
            found += window.evaluate(CUT_OFF)
        if self._axe is not None and (rules := AXE_RULES.get((width, theme))):
            found += window.evaluate(AXE, [self._axe, rules])
        if found:
            self.findings[f"{view}, {width} px, {theme}"] = found


def _height(width: int) -> int:
    return SIZES.get(width, 400)


def picture_faults(picture: Path, width: int) -> list[str]:
    """What is wrong with the file of a picture."""
    data = picture.read_bytes()
    size = struct.unpack(">II", data[16:24])
    faults = [] if size == (width, _height(width)) else [f"the picture has {size} pixels"]
    return faults if len(data) >= LEAST_BYTES else [*faults, f"{len(data)} bytes: blank?"]


def visits() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each view, with the widths at which it differs from others."""
    for view in VIEWS:
        yield view, tuple(SIZES) if view not in BESIDE_THE_DESIGN else (1440, PHONE)
