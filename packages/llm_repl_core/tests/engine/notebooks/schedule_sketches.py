"""Random notebooks in which cells share objects in every way that Python has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from llm_repl_core import Notebook
from llm_repl_core.model.cell import Cell, CodeCell, MarkdownCell, MemoryCell, PromptCell

NAMES = ["a", "b", "c"]
ANSWERS = ["p", "q", "r"]
FUNCTIONS = ["f", "g"]
DELAYS_S = [0, 0.001, 0.003, 0.005, 0.015]

PRELUDE = """\
import random, schedule_world
a, b, c = [1], [[2], 3], {'k': [4], 'n': 5}
n = 0
it = iter(range(100, 140))
class K:
    held = []
    def __init__(self, inner):
        self.inner = inner
    def __repr__(self):
        return f'K({self.inner!r})'
    def __len__(self):
        return n
    @property
    def looked(self):
        global n
        n += 1
        return self.inner
    def add(self, what):
        self.inner.append(what)
        return len(self.inner)
    @classmethod
    def keep(cls, what):
        cls.held.append(what)
        return len(cls.held)
k = K(a)
def f(what=None):
    return len(b)
def g(what=None):
    global n
    n += 1
    return f(what)
box = {'f': f, 'g': g}
"""
PRELUDES = [PRELUDE, PRELUDE + "p = q = r = 'none yet'", PRELUDE + "p, q, r = [1], [2], [3]"]

STATEMENTS = [
    # Names and aliases.
    "{x} = {y}",
    "{x} = [{y}, {v}]",
    "{x} = {{'k': {y}}}",
    "{x} = {v}",
    "{x} = list({y})",
    "{x}, {y} = {y}, {x}",
    "{x} = k.inner",
    "{x} = c['k']",
    "k = K({x})",
    "{v} = {x}",
    "{v} = 'set by code'",
    "del {v}",
    "del {x}",
    "if {x}:\n    {y} = {v}",
    "{x} = {y}[0]",
    "{x} = (first := {y})",
    # Changes in place, also through aliases.
    "{x}.append({v})",
    "{x}.append(1)",
    "{x} += [n]",
    "{x}[0] = {y}",
    "c['k'] = {x}",
    "c['k'].append(n)",
    "del {x}[0]",
    "k.add({v})",
    "K.keep({x})",
    "k.inner = {x}",
    "{v}['k'] = n",
    "{v}['name'] = {x}",
    "{v}['tags'].append(n)",
    "{v}.append(n)",
    "for one in {x}:\n    one.append(n)",
    "[one.append(2) for one in {x}]",
    "n += 1",
    "n = len({v})",
    # Functions, now and later.
    "def f(what=None):\n    return {x}",
    "def f(what=None):\n    return len({v})",
    "def f(what={x}):\n    what.append(n)\n    return len(what)",
    "def g(what=None):\n    global {x}\n    {x} = [n]\n    return f()",
    "def g(what=None):\n    {x}.append(f())\n    return {y}",
    "def g(what=None):\n    global {v}\n    {v} = 'set by g'\n    return n",
    "def f(what=None):\n    return repr(k)",
    "box['f'] = lambda what=None: {x}",
    "box['g'] = g",
    "{x}.append(lambda: {v})",
    "{x} = box['g']()",
    "box['f']()",
    "{fn}({x})",
    "{x} = {fn}()",
    "{x} = [{fn}() for _ in range(2)]",
    "{x} = list(map({fn}, {y}))",
    "{x} = K.held",
    "k.looked.append(3)",
    "{x} = len(k)",
    "it = iter([{x}, {v}, 7])",
    "{x} = next(it)",
    "it = (one for one in {x})",
    "class K(K):\n    held = [{x}]\n    def __repr__(self):\n        return str({v})",
    # What is seen.
    "{x}",
    "{v}",
    "str({x})",
    "print({v}, {x})",
    "_",
    "print(_)",
    "{x} = _",
    "_ = {x}",
    "for _ in range(2):\n    {x}.append(_)",
    "len({v}), n",
    "try:\n    {x} = {v}\nexcept NameError:\n    {x} = 'missing'",
    "try:\n    {v}.append({x})\nexcept (NameError, AttributeError) as error:\n    print(error)",
    "sorted({{'n': n, 'x': str({x})}})",
    "assert {v}, {x}",
    # What takes its time.
    "{x} = [sum(range(50_000))]",
    "len({v}), sum(range(50_000))",
    "len({x}), sum(range(50_000))",
    "raise ValueError({x})",
    # What no name stands for.
    "random.seed(n)",
    "{x} = random.random()",
    "schedule_world.count += 1",
    "{x} = schedule_world.bump()",
    "schedule_world.kept.append({x})",
    "{x} = schedule_world.kept",
    "import schedule_world as {x}",
    "from schedule_world import bump as {fn}",
    # What cannot be followed.
    "globals()['{x}'] = [n]",
    "{x} = sorted(name for name in globals() if len(name) == 1)",
    "exec('{x} = [{v}]')",
    "eval('{x}.append(8)')",
    "from schedule_world import *",
    "{x} = vars()['{v}']",
    "undefined_anywhere",
]

TEMPLATES = [
    "plain",
    "{{{x}}}",
    "{{{x}!r}} and {{{y}}}",
    "{{len({x})}}",
    "{{{v}}}",
    "{{{v}!r:.40}}",
    "{{{fn}()}}",
    "{{{fn}({x})}}",
    "{{box['f']()}}",
    "{{box['g']()}}",
    "{{next(it)}}",
    "{{{x}.pop()}}",
    "{{{x}.append(9)}}",
    "{{c['k']}}",
    "{{k}}",
    "{{k.looked}}",
    "{{k.add(n)}}",
    "{{_}}",
    "{{_!r}} {{{x}}}",
    "{{n}}",
    "{{random.random()}}",
    "{{schedule_world.bump()}}",
    "{{schedule_world.kept}}",
    "{{sorted(name for name in globals() if name[0] != '_')}}",
    "{{[one for one in {x}]}}",
    "{{{v}['name']}}",
    "{{memory}}",
    "{{m}}",
    "{{missing}}",
]

MEMORIES = ["m = n", "m = {v}", "m = len({x})", "{x} = [n]", "m = 1\nm += 1", "{v} = {x}"]
ITEMS = ["{x}", "range(2)", "[next(it), n]", "{v}.split()[:3]", "[{fn}(), {fn}()]", "c.values()"]
SCHEMAS: list[Any] = [
    None,
    None,
    "name, tags[]",
    {"type": "object", "properties": {"k": {"type": "array", "items": {"type": "string"}}}},
]


# Cells that have to do with each other, in this order: what random cells alone seldom hit upon. A
# text is a code cell, a pair a prompt's template and its fields.
STORIES: list[list[Any]] = [
    ["{y} = [{x}]", "{x}.append(n)", ("{{{y}}}", {})],
    ["c = {{'k': {x}}}", "{x}.append(n)", ("{{c['k']}}", {})],
    ["{y} = {x}", "{y} += ['more']", ("{{{x}}}", {})],
    ["k = K({x})", "k.add('added')", ("{{{x}}}", {})],
    ["k = K({x})", "k.looked.append(3)", ("{{n}} {{{x}}}", {})],
    ["def f(what=None):\n    return {x}", "{x} = [n, 'new']", ("{{f()}}", {})],
    ["def g(what=None):\n    global {x}\n    {x} = ['by g']", "g()", ("{{{x}}}", {})],
    ["def g(what=None):\n    {x}.append('by g')", "box['g'] = g", "box['g']()", ("{{{x}}}", {})],
    ["def f(what=None):\n    return len({v})", ("one", {"response_var": "{v}"}), "{x} = f()"],
    ["box['f'] = lambda what=None: {v}", ("one", {"response_var": "{v}"}), "{x} = box['f']()"],
    ["box['f'] = lambda what=None: {x}", "{x} = ['again']", ("{{box['f']()}}", {})],
    [
        "class K(K):\n    def __repr__(self):\n        return str({v})",
        ("one", {"response_var": "{v}"}),
        "k = K(1)\nstr(k)",
    ],
    ["{x} = ['new', n]", ("{{{x}}}", {})],
    ["n += 1", "{x} = [n]", "del {y}", ("{{{x}}} {{n}}", {})],
    [("one", {"response_var": "{v}"}), "{x} = [{v}]", ("{{{x}}}", {})],
    [("one", {"response_var": "{v}"}), ("{{{v}}} {{{x}}}", {}), "{x}.append(n)"],
    [("one", {"response_var": "{v}"}), ("{{{v}}} {{{x}}}", {}), "{x} = ['new']"],
    [
        ("one", {"response_var": "{v}"}),
        ("{{{v}}} {{k}}", {}),
        "k.add('added')",
        "k.inner.append(2)",
    ],
    [("one", {"response_var": "{v}"}), ("two", {"response_var": "{v}"}), "{x} = {v}"],
    [("one", {"response_var": "{v}"}), "{v} = 'by code'", ("{{{v}}}", {})],
    [("one", {"response_var": "{v}"}), "_ = ['by code']", ("{{_}}", {})],
    [("one", {}), ("two", {"model": "fail:request_rejected"}), "for _ in range(2):\n    n += 1"],
    [("one", {"response_var": "{v}"}), "del {v}"],
    ["{v} = 'early'", ("{{missing}}", {"response_var": "{v}"}), ("{{{v}}}", {})],
    ["globals()['{x}'] = ['by globals']", ("{{{x}}}", {})],
    ["exec('{x} = [n]')", ("{{{x}}}", {})],
    [("one", {"response_var": "{v}"}), "{x} = eval('{v}')"],
    [
        ("one", {"response_var": "{v}"}),
        "{x} = sorted(name for name in globals() if name[0] != '_')",
    ],
    [("{{next(it)}}", {}), "{x} = next(it)", ("{{next(it)}}", {})],
    ["it = (one for one in {x})", "{x}.append(5)", ("{{list(it)}}", {}), "{x}.append(6)"],
    [
        ("one", {"schema": "name, tags[]", "model": "mock", "response_var": "{v}"}),
        "len({v}), sum(range(50_000))",
        "{v}['name'] = n",
        ("{{_}} {{{v}}}", {}),
    ],
    [("{{item}}", {"for_each": "{x}", "response_var": "{v}"}), "{v}.append(1)", ("{{{v}}}", {})],
    ["{x} = [1, n]", ("{{f(item)}}", {"for_each": "{x}"}), "{x}.append(2)"],
    ["schedule_world.kept.append(n)", ("{{schedule_world.kept}}", {})],
    ["schedule_world.bump()", ("{{schedule_world.bump()}}", {}), "schedule_world.bump()"],
    ["random.seed(n)", ("{{random.random()}}", {}), "{x} = random.random()"],
    ["print({x})", ("sum up", {"context": "above"}), "{y} = _"],
    [("one", {"pinned": True}), ("two", {"context": "above"})],
    [
        "{x} = ['tool']\ndef f():\n    {x}.append(1)\n    return len({x})",
        ("go", {"model": "call:f", "tools": ["f"]}),
        "{x} = len({x})",
    ],
]


WORLD = """\
__all__ = ['a', 'kept', 'bump']
count = 0
kept = []
a = ['of the world']
def bump():
    global count
    count += 1
    return count
"""
MAKE_WORLD = f"""\
def make():
    import random, sys, types
    random.seed(0)
    world = sys.modules['schedule_world'] = types.ModuleType('schedule_world')
    exec({WORLD!r}, vars(world))
make()
"""


class Sketch:
    """A notebook to be made anew as often as it is run. Printed, it can be read."""

    def __init__(self, cells: list[tuple[type[Cell], dict[str, Any]]]) -> None:
        self.cells = cells

    def notebook(self, *, delays: bool) -> Notebook:
        """The notebook, with the cell ids `c0`, `c1`, …

        Args:
            delays: Whether models take the time that the sketch says.
        """
        notebook = Notebook("Sketch", id="sketch")
        for number, (cell_class, fields) in enumerate(self.cells):
            known = dict(fields)
            delay_s = known.pop("delay_s", 0)
            if cell_class is PromptCell and delays:
                known["parameters"] = {"delay_s": delay_s}
            notebook.insert(cell_class(id=f"c{number}", **known))
        return notebook

    def with_world(self) -> Sketch:
        """The sketch with a first cell that makes the world anew, for another process."""
        return Sketch([(CodeCell, {"content": MAKE_WORLD}), *self.cells])

    def __repr__(self) -> str:
        lines = []
        for number, (cell_class, fields) in enumerate(self.cells):
            options = {name: one for name, one in fields.items() if name != "content" and one}
            told = "".join(f" {name}={one!r}" for name, one in options.items())
            content = fields["content"].replace(PRELUDE, PRELUDE_MARK)
            lines.append(f"[c{number} {cell_class.type}{told}]\n{content}")
        return "\n" + "\n".join(lines)


PRELUDE_MARK = "# (the prelude)\n"


@st.composite
def _filled(draw: Callable[..., Any], texts: list[str]) -> str:
    return draw(st.sampled_from(texts)).format(
        x=draw(st.sampled_from(NAMES)),
        y=draw(st.sampled_from(NAMES)),
        v=draw(st.sampled_from(ANSWERS)),
        fn=draw(st.sampled_from(FUNCTIONS)),
    )


@st.composite
def _code(draw: Callable[..., Any]) -> tuple[type[Cell], dict[str, Any]]:
    statements = draw(st.lists(_filled(STATEMENTS), min_size=1, max_size=3))
    return CodeCell, {"content": "\n".join(statements)}


@st.composite
def _prompt(draw: Callable[..., Any]) -> tuple[type[Cell], dict[str, Any]]:
    fields: dict[str, Any] = {"content": draw(_filled(TEMPLATES)), "model": "echo"}
    fields["delay_s"] = draw(st.sampled_from(DELAYS_S))
    fields["response_var"] = draw(st.sampled_from([*ANSWERS, *ANSWERS, "a", None]))
    match draw(st.integers(0, 15)):
        case 0:
            fields["model"] = "fail:request_rejected"
        case 1:
            fields["context"] = "above"
        case 2:
            fields["context"] = [f"c{draw(st.integers(0, 5))}"]
        case 3:
            fields["system"] = draw(_filled(TEMPLATES))
        case 4:
            fields["pinned"] = True
        case 5 | 6:
            fields["for_each"] = draw(_filled(ITEMS))
            fields["content"] = draw(st.sampled_from(["{item}", "{item} {n}", "{f(item)}"]))
        case 7:
            fields |= {"model": "call:f", "tools": ["f"]}
        case 8 | 9 | 10:
            fields |= {"model": "mock", "schema": draw(st.sampled_from(SCHEMAS))}
    return PromptCell, fields


@st.composite
def _other(draw: Callable[..., Any]) -> tuple[type[Cell], dict[str, Any]]:
    cell_class = draw(st.sampled_from([MemoryCell, MemoryCell, MarkdownCell]))
    content = draw(_filled(MEMORIES)) if cell_class is MemoryCell else "Some *text*."
    return cell_class, {"content": content, "pinned": draw(st.booleans())}


@st.composite
def _story(draw: Callable[..., Any]) -> list[tuple[type[Cell], dict[str, Any]]]:
    x, y = draw(st.permutations(NAMES))[:2]
    names = {"x": x, "y": y, "v": draw(st.sampled_from(ANSWERS))}
    cells: list[tuple[type[Cell], dict[str, Any]]] = []
    for step in draw(st.sampled_from(STORIES)):
        if isinstance(step, str):
            cells.append((CodeCell, {"content": step.format(**names)}))
            continue
        text, fields = step
        told = {
            name: one.format(**names) if name in ("response_var", "for_each") else one
            for name, one in fields.items()
        }
        delay_s = draw(st.sampled_from(DELAYS_S))
        content = text.format(**names)
        cells.append((PromptCell, {"content": content, "model": "echo", "delay_s": delay_s} | told))
    return cells


@st.composite
def sketches(draw: Callable[..., Any]) -> Sketch:
    """Notebooks of a prelude, some stories that are mixed with each other, and random cells."""
    kinds = st.sampled_from(["code", "code", "prompt", "prompt", "other"])
    makers = {"code": _code, "prompt": _prompt, "other": _other}
    strands = draw(st.lists(_story(), min_size=1, max_size=3))
    strands.append([draw(makers[kind]()) for kind in draw(st.lists(kinds, max_size=4))])
    cells: list[tuple[type[Cell], dict[str, Any]]] = [
        (CodeCell, {"content": draw(st.sampled_from(PRELUDES))})
    ]
    while strands := [strand for strand in strands if strand]:
        cells.append(strands[draw(st.integers(0, len(strands) - 1))].pop(0))
    return Sketch(cells)
