"""Which cell must wait for which."""

from __future__ import annotations

import pytest

from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.hazards import Closed, Names, must_follow
from llm_repl_core.dataflow.template import analyse_template


def closed(*texts: str, answers: str = "", plain: str = "") -> list[Closed]:
    """Of cells: code, or a template where it starts with ``>``."""
    effects = [
        analyse_template(text[1:]) if text.startswith(">") else analyse_code(text) for text in texts
    ]
    names = Names(
        [*effects, Effects(writes=frozenset(answers.split()))],
        texts=set(answers.split()),
        plain=plain.split(),
    )
    return [names.closed(one) for one in effects]


def waits(*texts: str, answers: str = "", plain: str = "") -> bool:
    """Whether the last cell must follow the one before it."""
    *_, earlier, later = closed(*texts, answers=answers, plain=plain)
    return must_follow(later, earlier)


@pytest.mark.parametrize(
    "texts",
    [
        # Names.
        ("x = 1", "y = x"),
        ("y = 0", "x = y", "y = 1"),
        ("x = 1", "x = 2"),
        ("x = 1", ">{x}"),
        ("x = 1", ">{x}", "x = 2"),
        ("x = 1", "del x"),
        # Objects.
        ("x = []", ">{x}", "x.append(1)"),
        ("x = []", "x.append(1)", ">{x}"),
        ("x = []\ny = x", "y.append(1)", ">{x}"),
        ("x = []\ny = [x]", "y[0].append(1)", ">{x}"),
        ("x = []", "y = {'k': x}", ">{x}", "y['k'].append(1)"),
        ("x = []\ny = x", ">{y}", "x[0] = 1"),
        ("x = [[]]", "for y in x: pass", ">{x}", "y.append(1)"),
        ("x = []", "x += [1]", ">{x}"),
        ("x = iter([1])", ">{list(x)}", ">{sum(x)}"),
        ("x = (i for i in [1])\ny = x", ">{list(x)}", ">{max(y)}"),
        # Functions, far from their definition.
        ("def f(): return x", "x = 1", ">{f()}"),
        ("def f(): return x", ">{f()}", "x = 1"),
        ("def f(): return g()\ndef g(): return x", "x = 1", ">{f()}"),
        ("def f():\n    global x\n    x = 1", "f()", ">{x}"),
        ("x = []\ndef f(): x.append(1)", "f()", ">{x}"),
        ("x = []\ndef f(): x.append(1)\ng = f", "g()", ">{x}"),
        ("x = []\ndef f(): return x", "f().append(1)", ">{x}"),
        ("x = []\nf = lambda: x", "f().append(1)", ">{x}"),
        ("x = []\nfs = [lambda: x]", "fs[0]().append(1)", ">{x}"),
        ("x = 1\nfs = [lambda: x]", "x = 2", ">{fs[0]()}"),
        ("x = 1\ng = (x for i in [1])", "x = 2", ">{list(g)}"),
        ("def f(a): a.append(1)", "x = []", "f(x)", ">{x}"),
        ("def f(): return eval('x')", "y = 1", ">{f()}"),
        # Classes.
        ("class C:\n    def m(self): return x", "c = C()", "x = 1", ">{c.m()}"),
        ("class C:\n    def __repr__(self): return x", "c = C()", "x = 1", ">{c}"),
        ("class C:\n    @property\n    def p(self): return x", "c = C()", "x = 1", ">{c.p}"),
        ("class C:\n    items = []", "C.items.append(1)", ">{C.items}"),
        ("class C: pass", "c = C()", "C.x = 1", ">{c.x}"),
        # Modules and the world outside.
        ("import numpy as np", "import numpy", "np.random.seed(1)", ">{numpy.random.random()}"),
        ("import config", "config.x = 1", ">{config.x}"),
        ("open('f', 'w').write('x')", ">{open('f').read()}"),
        ("def f(): pass", "f()", ">{open('f').read()}"),
        # Builtins of the notebook's own.
        ("x = []\nlen = x.append", "len(1)", ">{x}"),
        ("x = [1]", "len = x.pop", ">{x}", ">{len(x)}"),
        # What cannot be analysed.
        ("x = 1", "exec('y = 1')", ">{x}"),
        ("x = 1", ">{x}", "exec('y = 1')"),
        ("x = 1", ">{x}", "y = helper + 1"),
        ("x = 1", ">{x}", ">{helper()}"),
    ],
)
def test_what_must_wait(texts: tuple[str, ...]) -> None:
    assert waits(*texts)


@pytest.mark.parametrize(
    "texts",
    [
        ("x = 1", "y = 2"),
        ("x = 1", ">{x}", ">{x}"),
        ("x = [1]", ">{x[0]} {len(x)} {sorted(x)}", ">{x} {', '.join(x)} {x.count(1)}"),
        ("x = []\ny = []", "x.append(1)", ">{y}"),
        ("x = [1]\ny = len(x)", "x.append(1)", ">{y}"),
        ("x = [1]\ny = f'{x}'", "x.append(1)", ">{y}"),
        ("def f(): return x", "x = 1", ">{f}"),
        ("def f(a): return a\nx = []\ny = []", "f(x)", ">{y}"),
        ("def f(a): a.append(1)\nx = []\nf(x)", ">{x}", ">{x}"),
        ("import numpy as np\nx = np.ones(2)\ny = np.ones(2)", "x[0] = 1", ">{y}"),
        ("x = 1", ">{x}", ">{helper}"),
        ("x = 1", "y = x", ">{__name__}"),
    ],
)
def test_what_need_not_wait(texts: tuple[str, ...]) -> None:
    assert not waits(*texts)


def test_texts_are_tied_to_nothing() -> None:
    assert not waits("x = [answer]", "x.append(1)", ">{answer}", answers="answer")
    assert not waits("x = 1", "y = f(answer)\ndef f(a): return a", ">{answer}", answers="answer")
    assert waits("x = answer", "x.append(1)", ">{answer}", plain="answer")
    # A function that may bind the variable to something else takes the promise away.
    texts = (
        "def f():\n    global answer\n    answer = x",
        "x = []",
        "f()",
        "x[0] = 1",
        ">{answer}",
    )
    assert waits(*texts, answers="answer")


def test_names_from_elsewhere_have_to_be_announced() -> None:
    assert closed("y = rate")[0].barrier == "`rate` is set by no cell of the notebook"
    assert closed("y = rate", plain="rate")[0].barrier is None
    assert closed(">{rate}")[0].barrier is None
    assert closed(">{rate.pop()}")[0].barrier is not None
    assert closed("def f(): return rate")[0].barrier is None
    assert closed("def f(): return rate", "f()")[1].barrier is not None
    assert closed("y = Out[3]")[0].barrier is not None
    known = "print(len(memory), _, __name__, __file__, ValueError)\ndisplay(Ellipsis); exit()"
    assert closed(known)[0].barrier is None


def test_the_last_answer() -> None:
    prompt = Closed(writes=frozenset({"a", "_"}), last_answer=True)
    other = Closed(writes=frozenset({"b", "_"}), last_answer=True)
    reader = closed(">{_}")[0]
    assert reader.last_answer
    assert must_follow(reader, prompt)
    assert not must_follow(other, prompt)
    assert not must_follow(other, reader)


def test_closed_says_what_functions_do() -> None:
    text = "def f(a):\n    global w\n    w = a\n    xs.append(y)"
    _, _, caller = closed(text, "xs = []\ny = 1", "f(1)")
    assert {"f", "xs", "y"} <= caller.reads
    assert "w" in caller.writes
    assert "xs" in caller.changes
    assert caller.calls


def test_effects_are_closed_once() -> None:
    effects = analyse_code("x = 1")
    names = Names([effects, effects])
    assert names.closed(effects) is names.closed(effects)


@pytest.mark.parametrize(
    ("holder", "user"),
    [
        ("G = globals", "y = G()['p']"),
        ("G = [globals, len]", "y = G[0]()['p']"),
        ("G = globals()", "y = G['p']"),
        ("e = eval", "y = e('p')"),
        ("e = eval('lambda: p')", "y = e()"),
        ("def f(e=eval): return e('p')", "y = f()"),
        ("import functools\ne = functools.partial(eval, 'p')", "y = e()"),
        ("V = vars", "y = V()['p']"),
        ("def f(): pass\nG = f.__globals__", "y = G['p']"),
        ("def f(): pass\nG = getattr(f, '__globals__')", "y = G['p']"),
        ("import operator\ndef f(): pass\nG = operator.attrgetter('__globals__')(f)", "y = G['p']"),
        ("from inspect import currentframe as now", "y = now().f_globals['p']"),
        ("class K: pass\nk = K()\nk.see = globals", "y = k.see()['p']"),
        ("seen = []\nseen.append(globals)", "y = seen[0]()['p']"),
    ],
)
def test_what_may_hold_what_sees_every_variable_is_a_barrier(holder: str, user: str) -> None:
    effects = [analyse_code(holder), analyse_code(user), analyse_code("z = 1")]
    names = Names(effects)
    assert names.closed(effects[1]).barrier is not None
    assert names.closed(effects[2]).barrier is None


def test_to_ask_whether_a_variable_is_there_makes_no_barrier_of_it() -> None:
    effects = [analyse_code("if 'x' not in globals(): x = 1"), analyse_code("print(x)")]
    assert Names(effects).closed(effects[1]).barrier is None
