"""What the check of the law sees: all that two runs can differ in."""

from __future__ import annotations

import pytest
from law_catalogue import CATALOGUE
from law_construct import Part, code, memory, prompt, renamed, tree_of
from law_notebooks import Sketch, drawn, of_construct

# Cells that differ a little, and in what the two notebooks differ then.
PAIRS = {
    "what is asked": ([prompt("One.")], [prompt("Two.")], "requests"),
    "what is attached": (
        [code("data = b'one'"), prompt("Look.", attachments=["data"])],
        [code("data = b'two'"), prompt("Look.", attachments=["data"])],
        "requests",
    ),
    "a parameter": (
        [prompt("One.", temperature=0.5)],
        [prompt("One.", temperature=0.6)],
        "requests",
    ),
    "which items": (
        [prompt("{item}", for_each="range(2)")],
        [prompt("{item}", for_each="range(3)")],
        "requests",
    ),
    "an output": ([code("print(1)")], [code("print(2)")], "cells"),
    "a status": ([code("left = 1")], [code("left = 1\n1 / 0")], "cells"),
    "a count": ([code("a_ = 1")], [Part("markdown", "a_ = 1")], "cells"),
    "what lasts": ([memory("kept = 1")], [memory("kept = 2")], "cells"),
    "a value": ([code("deep = [{'k': (1, {2})}]")], [code("deep = [{'k': (1, {3})}]")], "state"),
    "an identity": ([code("aa = []\nbb = aa")], [code("aa = []\nbb = []")], "state"),
    "an identity inside": (
        [code("aa = []\nbb = {'k': [aa]}")],
        [code("aa = []\nbb = {'k': [[]]}")],
        "state",
    ),
    "how far an iterator is": (
        [code("rest = iter('abc')")],
        [code("rest = iter('abc')\nhead = next(rest)\ndel head")],
        "state",
    ),
    "how far a generator is": (
        [code("rest = (one for one in 'abc')")],
        [code("rest = (one for one in 'abc')\nhead = next(rest)\ndel head")],
        "state",
    ),
    "a closure": (
        [code("def make(held):\n    return lambda: held\nget = make(1)")],
        [code("def make(held):\n    return lambda: held\nget = make(2)")],
        "state",
    ),
    "a field of a class": (
        [code("class Box:\n    kept = 1")],
        [code("class Box:\n    kept = 2")],
        "state",
    ),
    "the environment": (
        [code("import os\nos.environ['LAW'] = '1'")],
        [code("import os\nos.environ['LAW'] = '2'")],
        "state",
    ),
    "the folder": (
        [code("import os\nos.mkdir('in')\nos.chdir('in')")],
        [code("import os\nos.mkdir('in')")],
        "state",
    ),
    "a file": (
        [code("from pathlib import Path\ncount = Path('a').write_text('1')")],
        [code("from pathlib import Path\ncount = Path('a').write_text('2')")],
        "state",
    ),
    "a seed": (
        [code("import random\nrandom.seed(1)")],
        [code("import random\nrandom.seed(2)")],
        "state",
    ),
    "a frame": (
        [code("import pandas as pd\ndf = pd.DataFrame({'one': [1]})")],
        [code("import pandas as pd\ndf = pd.DataFrame({'one': [2]})")],
        "state",
    ),
    "whether an array is a view": (
        [code("import pandas, numpy as np\naa = np.zeros(2)\nbb = aa[:]")],
        [code("import pandas, numpy as np\naa = np.zeros(2)\nbb = aa.copy()")],
        "state",
    ),
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("what", PAIRS)
def test_two_notebooks_differ(law, what):
    *cells, where = PAIRS[what]
    libraries = frozenset({"pandas"} if "import pandas" in str(cells) else ())
    one, other = (Sketch(tuple(parts), libraries) for parts in cells)
    assert law.difference_between(one, one) is None
    assert law.difference_between(one, other).startswith(f"{where}:")


def test_the_catalogue_is_large_enough():
    assert len(CATALOGUE) >= 300


def test_a_seed_draws_the_same_notebook_each_time():
    assert [str(drawn(seed, CATALOGUE)) for seed in range(30)] == [
        str(drawn(seed, CATALOGUE)) for seed in range(30)
    ]


@pytest.mark.parametrize("construct", CATALOGUE, ids=lambda one: one.name)
def test_renamed_cells_are_still_python(construct):
    for parts in construct.long_shapes().values():
        for part in renamed(parts, construct.names, "_1"):
            if part.kind in ("code", "edit", "memory"):
                assert tree_of(part.text)
    assert of_construct(construct, parts).notebook()
