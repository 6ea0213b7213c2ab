"""An engine that is broken on purpose breaks the law; wrong predictions do not."""

from __future__ import annotations

import pytest
from law_catalogue import CATALOGUE
from law_construct import SLOW, Construct, code, prompt
from law_faults import FAULTS, WRONG_PREDICTIONS, broken
from law_notebooks import of_construct

_SHARES = 6
QUIET_S = (0.012, 0.1, 0.5, 2.0)
"""On a busy machine what a fault does may come too late to be seen: then answers are held longer."""

OTHERS = (
    Construct(
        "a name in a text that pandas evaluates",
        "here",
        cells=(
            code("import pandas as pd\nframe = pd.DataFrame({'n': ['x', 'y']})\nans = 'x'"),
            SLOW,
            code(
                "look = frame.query\ntry:\n    print(len(look('n == @ans')))\n"
                "except Exception as error:\n    print(type(error))"
            ),
        ),
    ),
    Construct(
        "a file that is written again and attached",
        "here",
        cells=(
            code("from pathlib import Path\nnotes = Path('notes.txt')\nnotes.write_text('one')"),
            SLOW,
            code("notes.write_text(ans)"),
            prompt("Look.", attachments=["notes"]),
        ),
    ),
)

CHOSEN = {
    "what was sent ahead is adopted without a look": [
        "weakref callback",
        "__del__ by del",
        "_repr_html_ with an effect",
        "as reported: a class whose get is decorated to log",
        "as reported: env = os.environ, then os.environ['ST'] = s",
        "collections.defaultdict whose factory counts",
    ],
    "attachments are not compared": ["a file that is written again and attached"],
    "prompts ahead are rendered in the kernel itself": [
        "as reported: an iterator in a dict",
        "as reported: itertools.count by dict(zip)",
    ],
    "code does not wait for a word in a text": ["a name in a text that pandas evaluates"],
}
"""By fault: constructs that tell of it."""


def differences(law, constructs):
    sketches = [
        of_construct(construct, parts)
        for construct in constructs
        if not construct.missing()
        for parts in construct.shapes().values()
    ]
    return [how for how in law.differences(sketches) if how is not None]


@pytest.mark.unmeasured
@pytest.mark.one_python
@pytest.mark.parametrize("share", range(_SHARES))
def test_the_law_holds_whatever_is_predicted(law, share):
    with broken(WRONG_PREDICTIONS):
        assert differences(law, CATALOGUE[share :: 6 * _SHARES]) == []


@pytest.mark.unmeasured
@pytest.mark.one_python
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_the_law(law, fault):
    known = {construct.name: construct for construct in (*CATALOGUE, *OTHERS)}
    constructs = [known[name] for name in CHOSEN[fault]]
    with broken(WRONG_PREDICTIONS):
        assert differences(law, constructs) == []
        with broken(FAULTS[fault]):
            assert any(differences_within(law, constructs, quiet_s) for quiet_s in QUIET_S)


def differences_within(law, constructs, quiet_s):
    """The same, where answers are held back so long."""
    before, law.quiet_s = law.quiet_s, quiet_s
    try:
        return differences(law, constructs)
    finally:
        law.quiet_s = before
