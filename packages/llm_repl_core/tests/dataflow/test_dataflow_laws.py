"""What the analysis says of random programs, held against what they read and bind when they run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.dataflow.known import BUILTINS
from llm_repl_core.dataflow.transitive import Names

PLAIN = """\
import copy, random
random.seed(1)
a, b, c, d = [[1], [2]], [[3], [4]], {'x': [5]}, [[6]]
e = [[7], a]
n = 2
it = iter([[1], [2], [3]])
class K:
    def __init__(self, inner=None):
        self.inner = inner
k = K([8])
def f(x=None):
    return [1]
def g(x=None):
    return x
h = lambda x=None: len(b)
"""

DATA = """\
import random
a, b, c, d = [[1], [2]], [[3], [4]], {'x': [5]}, [[6]]
e = [[7], a]
n = 2
it = iter([[1], [2], [3]])
u = v = [1, 2]
"""

RICH = """\
import copy, random
random.seed(1)
a = [[1], [2], [3]]
b = [[4], [5]]
c = {'x': [6], 'y': [7]}
d = [8]
e = [[9], a]
n = 2
class K:
    shared = []
    def __init__(self, inner=None):
        self.inner = inner
        self.looked = 0
    def add(self, thing):
        self.inner.append(thing)
        return self
    def __len__(self):
        self.looked += 1
        return n
    def __repr__(self):
        d[:1] = [n]
        return 'K'
    @property
    def seen(self):
        self.looked += 1
        return e
k = K(a)
def f(x=None):
    return b
def g(x=None):
    d[:1] = [len(b)]
    return f(x)
h = lambda x=None: a
it = iter([[1], [2], [3]])
"""

NAMES = ["a", "b", "c", "d", "e", "k", "it", "u", "v"]
FUNCTIONS = ["f", "g", "h"]

# Functions make no list longer, so that going through one while they are called comes to an end.
STATEMENTS = [
    "{x} = {y}",
    "{x} = [{y}, {z}]",
    "{x} = {{'x': {y}}}",
    "{x} = len({y})",
    "{x} = {fn}({y})",
    "{x} = {fn}",
    "{x} = {y}[0]",
    "{x} = {y} + {z}",
    "{x} = {y} * 2",
    "{x} = list({y})",
    "{x} = sorted({y}, key=str)[:1]",
    "{x} = max({y}, {z}, key=str)",
    "{x} = [item for item in {y}]",
    "{x} = [{x} for {x} in {y}]",
    "{x} = (item for item in {y} if {z} or True)",
    "{x} = [lambda: {y}, lambda: {z}]",
    "{x} = {y}[0]()",
    "{x} = f'{{{y}!r:.5}}'",
    "{x} = K({y})",
    "{x} = k.inner",
    "{x} = {y}.seen",
    "{x} = (lambda q: q.append({y}))({z})",
    "{x} = zip({y}, {z})",
    "{x} = map({fn}, {y})",
    "{x} = enumerate({y})",
    "{x} = {y} if {z} else {w}",
    "{x} = {y} or {z}",
    "{x} = next({y})",
    "{x} = copy.deepcopy({y})",
    "{x}, {y} = {y}, {x}",
    "{x}, *{y} = {z}",
    "{x} = {y} = []",
    "{x} += [{y}]",
    "{x} += list({y})[:2]",
    "{x}[0] = {y}",
    "{x}[0] += [1]",
    "{x}.append({y})",
    "{x}[-1].append(n)",
    "{x}.inner = {y}",
    "{x}.add({y})",
    "K.shared.append({x})",
    "{x} = K.shared",
    "{x}.extend(list({y})[:2])",
    "del {x}",
    "del {x}[0]",
    "{x}",
    "str({x})",
    "{fn}({x})",
    "{fn}()",
    "{fn}().append({x})",
    "len({x})",
    "n = len({x})",
    "n += 1",
    "random.seed(n)",
    "{x} = random.random()",
    "if {x}:\n    {y} = {z}",
    "if {x} is {y}:\n    {z} = {w}\nelse:\n    {z} = 1\n{w} = {z}",
    "for {x} in {y}:\n    {z} = {x}",
    "for item in {y}:\n    {z}.append(item)\n    if len({z}) > 9:\n        break",
    "while (q := {x}):\n    {y} = q\n    break",
    "if (q := {x}) and q[0]:\n    q[0] = {y}",
    "try:\n    {x} = {y}[9]\nexcept Exception as error:\n    {x} = {z}",
    "try:\n    {x} = {y}[9]\nexcept Exception as {z}:\n    pass",
    "def {fn}(x=None):\n    {x} = {y}\n    return {x}",
    "def {fn}(x=None):\n    global {x}\n    {x} = {y}\n    return x",
    "def {fn}(x={y}):\n    x[:1] = [{z}]\n    return x",
    "def {fn}(x=None):\n    def inner():\n        return {x}\n    return inner() or {y}",
    "def {fn}(x=None):\n    return {gn}(x)",
    "def {fn}(x=None):\n    yield {x}\n    {y}.append(1)",
    "def {fn}(x=None):\n    got = {x}\n    got[:1] = [x]\n    return [got]",
    "def {fn}(x=None):\n    global {x}\n    del {x}",
    "{x} = {fn}\n{x}().append(1)",
    """\
class K:
    held = {x}
    def __init__(self, inner=None):
        self.inner = inner
    def __repr__(self):
        return str({y})
    def add(self, x):
        {z}.append(x)""",
    "class K(K):\n    {x} = {x}\n    shared = [{y}]\n    inner = [{x} for {x} in {x}]",
    "match {x}:\n    case [{y}, *{z}]:\n        pass\n    case {{'x': {w}}}:\n        {w}.append(1)",
    "with K({x}) as {y}:\n    {z} = 1",
    "import copy as {x}",
    "from random import random as {x}\n{y} = {x}()",
    "print({x}, {y}[0])",
    "assert {x}, {y}",
    "@{fn}\ndef {gn}(x=None):\n    return {x}",
    "{x}: {y} = {z}",
    "{x} = {{key: {y} for key in {z}}}",
    "{x} = [q for p in {y} for q in p]",
    "{x} = any({y} is one for one in {z})",
    "{x} = ', '.join(str(one) for one in {y})",
    "{x} = {y}.get('x')",
    "{x} = {y}.copy()",
    "{x} = dict(one={y}, **{z})",
    "{x} = [*{y}, *{z}]",
    "{x} = sum({y}, [])",
    "{x} = filter(None, {y})",
    "len = {fn}\n{y} = len({x})",
    "del len",
    "setattr({x}, 'inner', {y})",
    "{x} = getattr({y}, 'inner', {z})",
]


@st.composite
def cells(draw: Callable[..., Any]) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        statement = draw(st.sampled_from(STATEMENTS))
        x, y, z, w = (draw(st.sampled_from(NAMES)) for _ in range(4))
        fn, gn = (draw(st.sampled_from(FUNCTIONS)) for _ in range(2))
        lines.append(statement.format(x=x, y=y, z=z, w=w, fn=fn, gn=gn))
    return "\n".join(lines)


class Tracking(dict[str, Any]):
    """The variables of a notebook, which note who reads and binds them."""

    def __init__(self) -> None:
        super().__init__()
        self.start()

    def start(self) -> None:
        self.read: set[str] = set()
        self.bound: set[str] = set()
        self.before = dict(self)

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        # What `global` binds in a function is not told, but seen.
        if name not in self.bound and self.before.get(name, self) is value:
            self.read.add(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self.bound.add(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.bound.add(name)

    def written(self) -> set[str]:
        names = self.before.keys() | self.keys()
        return self.bound | {
            name for name in names if self.before.get(name, self) is not dict.get(self, name, self)
        }


def start() -> Tracking:
    namespace = Tracking()
    namespace["__name__"] = "notebook"
    return namespace


def run(text: str, namespace: Tracking) -> str:
    """Run a cell and say how it ended."""
    namespace.start()
    try:
        exec(compile(text, "<cell>", "exec"), namespace)
    except SyntaxError:
        hypothesis.reject()
    except RecursionError:
        hypothesis.reject()
    except Exception as error:  # noqa: BLE001  # random programs raise what they like
        return type(error).__name__
    finally:
        dict.pop(namespace, "__builtins__", None)
    return "ok"


def notebooks(low: int, high: int) -> st.SearchStrategy[list[str]]:
    found = st.lists(cells(), min_size=low, max_size=high)
    return st.builds(lambda first, rest: [first, *rest], st.sampled_from([PLAIN, RICH]), found)


@settings(max_examples=600)
@given(notebooks(1, 4))
def test_what_is_read_and_bound_was_said_to_be(texts: list[str]) -> None:
    effects = [analyse_code(text) for text in texts]
    names = Names(effects)
    namespace = start()
    for text, own in zip(texts, effects, strict=True):
        said = names.transitive(own)
        run(text, namespace)
        if said.sees_all is not None:
            continue
        ignored = {"__builtins__", "__annotations__"}
        read, written = namespace.read - ignored, namespace.written() - ignored
        assert read <= said.reads, (text, read - said.reads)
        assert written <= said.writes, (text, written - said.writes)
        by_name = names.by_name(own)
        assert by_name.reads <= said.reads
        assert by_name.writes <= said.writes


@settings(max_examples=300)
@given(st.lists(cells(), min_size=1, max_size=3))
def test_straight_code_reads_and_binds_no_more_than_is_said_of_it_alone(texts: list[str]) -> None:
    """Without functions and classes of others, the cell's own names are all that there is."""
    namespace = start()
    run(DATA, namespace)
    for text in texts:
        said = analyse_code(text)
        if re.search(r"\b(?:[fghkK]|lambda|def|class)\b", text) or said.sees_all is not None:
            continue
        run(text, namespace)
        ignored = {*BUILTINS, "__builtins__", "__annotations__"}
        assert namespace.read - ignored <= said.reads, text
        assert namespace.written() - ignored <= said.writes, text
