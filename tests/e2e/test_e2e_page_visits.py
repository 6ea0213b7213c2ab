"""Every view in three widths and both themes: axe finds nothing serious or critical, nothing stands
over the edge, a finger finds every button of a phone, and there is a picture of each. Some in forced
colours, too, at 200 % zoom, and with texts spaced as wide as readers may set them.
"""

from __future__ import annotations

import json

import pytest
from feedback_week import FeedbackServer, write_tables
from page_views import furnish
from page_visits import THEMES, ZOOMED, Visitor, visits


@pytest.fixture(scope="module")
def stand(shared_stage):
    """A server with the design's notebooks, in which everything has run."""
    write_tables(shared_stage.root)
    with FeedbackServer() as model:
        yield furnish(shared_stage.serve(**model.variables), model)


@pytest.fixture(scope="module")
def visitor(browser, axe, stand, tmp_path_factory):
    made = Visitor(browser, stand, tmp_path_factory.mktemp("pictures"), axe)
    yield made
    made.close()


@pytest.fixture(scope="module")
def forced(browser, axe, stand, tmp_path_factory):
    """Whose system has colours of its own."""
    folder = tmp_path_factory.mktemp("forced")
    made = Visitor(browser, stand, folder, axe, forced_colors="active")
    yield made
    made.close()


@pytest.fixture(scope="module")
def wider(browser, stand, tmp_path_factory):
    """Whose reader needs more space between letters, words and lines."""
    made = Visitor(browser, stand, tmp_path_factory.mktemp("wider"), is_wider=True)
    yield made
    made.close()


@pytest.mark.parametrize(("view", "widths"), list(visits()))
def test_every_view_in_every_width_and_theme(visitor, view, widths):
    taken = len(visitor.pictures)
    visitor.findings.clear()
    visitor.visit(view, *widths)
    assert visitor.findings == {}, json.dumps(visitor.findings, indent=1)
    assert len(visitor.pictures) - taken == len(widths) * len(THEMES)


@pytest.mark.parametrize("view", ["notebook", "plan", "states", "more"])
def test_forced_colours_at_200_percent(forced, view):
    forced.findings.clear()
    forced.visit(view, ZOOMED)
    assert forced.findings == {}, json.dumps(forced.findings, indent=1)


@pytest.mark.parametrize("view", ["start", "notebook", "variables", "answers", "drawer", "browse"])
def test_nothing_is_cut_off_where_texts_are_spaced_wider(wider, view):
    wider.findings.clear()
    wider.visit(view, 1440, 360)
    assert wider.findings == {}, json.dumps(wider.findings, indent=1)
