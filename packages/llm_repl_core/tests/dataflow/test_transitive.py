"""What cells do within their notebook: what they wait for, and what is predicted of them."""

from __future__ import annotations

import pytest

from llm_repl_core.dataflow.cells import analyse_cell, analyse_template
from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.transitive import Names, TransitiveEffects, may_disturb
from llm_repl_core.model.cell import PromptCell


def transitive(*texts: str, answers: str = "", plain: str = "") -> list[TransitiveEffects]:
    """Of cells: code, or a template where it starts with ``>``."""
    cells = [
        analyse_template(text[1:]) if text.startswith(">") else analyse_code(text) for text in texts
    ]
    prompts = [analyse_cell(PromptCell(content=""), name) for name in answers.split()]
    names = Names([*prompts, *cells], plain=plain.split())
    return [names.transitive(effects) for effects in cells]


@pytest.mark.parametrize(
    "texts",
    [
        # By name, whatever the scope.
        ("s.upper()",),
        (">{s}",),
        ("[s for i in range(3)]",),
        ("def f(): return s\nf()",),
        ("class C:\n    x = s",),
        # Through functions and classes, far from their definition.
        ("def f(): return s", "f()"),
        ("def f(): return s", ">{f()}"),
        ("def f(): return g()\ndef g(): return s", "f()"),
        ("f = lambda: s", "x = f"),
        ("def f():\n    def g(): return s\n    return g()", "f()"),
        ("def len(x): return s", "len(1)"),
        ("class C:\n    def __init__(self): self.x = s", "C()"),
        ("def f(): yield s", "list(f())"),
        # Through methods, whatever they are called on.
        ("class C:\n    def get(self): return s", "things[0].get()"),
        ("class C:\n    def get(self): return s", "getattr(thing, 'get')()"),
        ("class C:\n    def get(self): return s", "getattr(thing, name)()"),
        (
            "class C:\n    def get(self): return self.more()\n    def more(self): return s",
            "x.get()",
        ),
        ("class B:\n    def get(self): return s", "class C(B): pass", "C().get()"),
        (
            "def log(f): return lambda: f(s)",
            "class C:\n    @log\n    def get(self): pass",
            "x.get()",
        ),
        # Code that others run without naming it.
        ("class C:\n    def __repr__(self): return s\nthings = [C()]", "print(things)"),
        ("class C:\n    def __getattr__(self, name): return s\nc = C()", "c.anything"),
        ("class C:\n    def __add__(self, other): return s\nc = C()", "c + 1"),
        ("class C:\n    @property\n    def p(self): return s\nc = C()", "c.p"),
        ("class C:\n    @cached_property\n    def p(self): return s\nc = C()", "x = [c]"),
        ("handlers = [lambda: s]", "handlers[0]()"),
        ("handlers = {}", "handlers['a'] = lambda: s", "run(handlers)"),
        ("def f(): return s", "handlers = [f]", "handlers[0]()"),
        ("def f(): return s", "g = f", "g()"),
        ("def f(): return s", "g = partial(f)", "g()"),
        ("def f(): return s", "table.map(f)", "table.run()"),
        ("def make():\n    def inner(): return s\n    return inner", "f = make()", "f()"),
        ("def make(): return lambda: s", "f = make()", "f()"),
        ("g = (s for i in range(3))", "list(g)"),
        ("def f(): yield s", "g = f()", "next(g)"),
        ("async def f(): return s", "task = create_task(f())", "await task"),
        ("@app.route('/')\ndef f(): return s", "app.run()"),
        ("class C:\n    def get(self): return s", "c = C()\nf = c.get", "f()"),
        ("class C:\n    x = property(lambda self: s)", "c = C()", "c.x"),
        ("def f(): return s", "class C:\n    m = f", "C().m()"),
        # The same in other libraries' ways.
        (
            "from functools import singledispatch\n@singledispatch\ndef f(x): return 1\n@f.register(int)\ndef _(x): return s",
            "f(3)",
        ),
        ("class D:\n    def __get__(self, o, t): return s\nclass C:\n    d = D()\nc = C()", "c.d"),
        (
            "def deco(f):\n    def inner(*a): return f(*a, s)\n    return inner\n@deco\ndef g(x): return x",
            "g(1)",
        ),
        (
            "from dataclasses import dataclass, field\n@dataclass\nclass P:\n    x: int = field(default_factory=lambda: s)",
            "P()",
        ),
        ("class M(type):\n    def __call__(cls): return s\nclass C(metaclass=M): pass", "C()"),
        ("import atexit\ndef f(): return s\natexit.register(f)", "import json\njson.dumps({})"),
        ("rules = {'a': lambda x: x in s}", "ok = [k for k, r in rules.items() if r(1)]"),
        (
            "def outer():\n    class C:\n        def get(self): return s\n    return C()\nc = outer()",
            "c.get()",
        ),
        ("class C:\n    @staticmethod\n    def make(): return s", "getattr(C, 'make')()"),
        ("class C:\n    @classmethod\n    def make(cls): return s\nmk = C.make", "mk()"),
        ("import threading\ndef work(): print(s)\nt = threading.Thread(target=work)", "t.start()"),
        ("def f(x=lambda: s): return x()", "f()"),
        ("from itertools import starmap\ndef f(a): return s\nit = starmap(f, [(1,)])", "list(it)"),
        (
            "class Ctx:\n    def __enter__(self): return s\n    def __exit__(self, *a): pass\nctx = Ctx()",
            "with ctx as v: pass",
        ),
        ("df = df.assign(a=lambda d: s)",),
        ("match x:\n    case {'a': v} if v == s: pass",),
        ("async def f(): return s", "await f()"),
        ("x = f'{s!r:>{10}}'",),
        ("%%timeit\ns + 1",),
        ("try:\n    import x\nexcept ImportError:\n    x = s",),
        ("class A:\n    y = [i for i in s]",),
        ("print(*s, sep='')",),
        ("import pandas as pd\ndf = pd.DataFrame()\ndf.query('a > @s')",),
        ("def f():\n    nonlocal_ = s\n    return nonlocal_", "print(f())"),
        ("lazy = (x for x in [1] if x in s)", "sum(lazy)"),
        ("obj.attr = lambda: s", "obj.attr()"),
        ("def f(): return s\nobj.attr = f", "obj.attr()"),
        ("def f(): return s\nobj = SimpleNamespace(go=f)", "obj.go()"),
        # Words of texts.
        ("duckdb.query('select * from s')",),
        ("x = duckdb.query(f'select {y} from s')",),
        ("pd.eval('s')",),
        ("x = anything('s')",),
        ("ols('y ~ s', data=df)",),
        ("patch('__main__.s')",),
        ("x: 's' = None",),
        ("def f(x: 's'): pass",),
        ("def f(): return con.sql('select * from s')", "f()"),
        ("query = 'select * from s'", "con.execute(query)"),
        ("class Q:\n    all = 'select * from s'", "con.execute(Q.all)"),
        ("def query(): return 'select * from s'", "con.execute(query())"),
        ("!echo {s}",),
        ("x = !echo $s",),
        ("%timeit s + 1",),
        ("s?",),
    ],
)
def test_what_reads_a_name(texts: tuple[str, ...]) -> None:
    *_, last = transitive(*texts, answers="s")
    assert "s" in last.reads or last.sees_all


@pytest.mark.parametrize(
    "texts",
    [
        ("s = 1",),
        ("def f():\n    global s\n    s = 1", "f()"),
        ("class C:\n    def get(self):\n        global s\n        s = 1", "thing.get()"),
        ("def f():\n    global s\n    s = 1", "handlers = [f]", "handlers[0]()"),
        ("del s",),
        ("import s",),
        ("%%capture s\nx",),
    ],
)
def test_what_binds_a_name(texts: tuple[str, ...]) -> None:
    *_, last = transitive(*texts, answers="s")
    assert "s" in last.writes


@pytest.mark.parametrize(
    "texts",
    [
        ("print('s')",),
        ("raise ValueError('s')",),
        ("df['s']",),
        ("d = {'s': 1}",),
        ("x == 's'",),
        ("def f(s): return s", "f(1)"),
        ("s = 1\nprint(s)",),
        ("def f(): return s", "print(1)"),
        ("class C:\n    def get(self): return s", "x.set()"),
        ("lambda s: s",),
    ],
)
def test_what_does_not_read_a_name(texts: tuple[str, ...]) -> None:
    *_, last = transitive("x = d = df = []", *texts, answers="s")
    assert "s" not in last.reads
    assert last.sees_all is None


def test_prompts_that_show_plain_data_run_no_code_unseen() -> None:
    code = "handlers = [lambda: s]"
    _, plain, other = transitive(
        code, ">{t} {memory['x']} {rate}", ">{handlers}", answers="s t", plain="rate"
    )
    assert plain.reads == {"t", "memory", "rate"}
    assert other.reads == {"handlers", "s"}
    assert other.seen == {"handlers"}


@pytest.mark.parametrize(
    "texts",
    [
        ("eval(x)",),
        ("def f(): return eval('x')", "f()"),
        ("class C:\n    def get(self): return globals()", "thing.get()"),
        ("class C:\n    def __len__(self): return eval('s')\nc = C()", "y = c"),
        ("G = globals", "y = G()['p']"),
        ("G = [globals, len]", "y = G[0]()['p']"),
        ("G = globals()", "y = G['p']"),
        ("e = eval", "y = e('p')"),
        ("e = eval('lambda: p')", "y = e()"),
        ("def f(e=eval): return e('p')", "y = f()"),
        ("import functools\ne = functools.partial(eval, 'p')", "y = e()"),
        ("def f(): pass\nG = f.__globals__", "y = G['p']"),
        ("def f(): pass\nG = getattr(f, '__globals__')", "y = G['p']"),
        ("m = sys.modules['__main__']", "y = m.p"),
        ("from inspect import currentframe as now", "y = now().f_globals['p']"),
        ("k = thing\nk.see = globals", "y = k.see()['p']"),
        ("seen = []\nseen.append(globals)", "y = seen[0]()['p']"),
        ("from helpers import *",),
        ("%run other.py",),
        ("x = rate",),
        ("def f(): return rate", "f()"),
        ("y = Out[3]",),
        (">{rate.pop()}",),
    ],
)
def test_what_sees_all_names(texts: tuple[str, ...]) -> None:
    *_, last = transitive("x = thing = sys = []", *texts)
    assert last.sees_all


@pytest.mark.parametrize(
    "texts",
    [
        (">{rate}",),
        ("def f(): return rate",),
        ("def f(text): return eval(text)", "y = 1"),
        ("y = eval('[1, 2]')", "print(y)"),
        ("if 'x' not in globals(): x = 1", "print(x)"),
        ("y = globals()['x']", "print(y)"),
        ("y = '{x}'.format(**globals())", "print(y)"),
        ("y = '%(x)s' % globals()", "print(y)"),
        ("print(sorted(globals()))", "print(x)"),
        ("print(len(memory), _, __name__, __file__, ValueError)\ndisplay(Ellipsis); exit()",),
        ("%matplotlib inline\n!ls\n%time y = x",),
        ("df2 = x.query('a > @x')", "print(df2)"),
    ],
)
def test_what_does_not_see_all_names(texts: tuple[str, ...]) -> None:
    *_, last = transitive("x = []", *texts)
    assert last.sees_all is None


def test_names_from_elsewhere_have_to_be_announced() -> None:
    assert transitive("y = rate")[0].sees_all == "`rate` is set by no cell of the notebook"
    assert transitive("y = rate", plain="rate")[0].sees_all is None


def test_what_acts_on_the_world_does_so_through_functions_too() -> None:
    _, caller, other = transitive("import os\ndef f(x): os.remove(x)", ">{f('x')}", ">{os.sep}")
    assert caller.acts
    assert not other.acts


def test_all_definitions_of_a_function_count() -> None:
    ran, now, caller = transitive("def f(): return a", "def f(): return b", "f()", plain="a b")
    assert {"a", "b"} <= caller.reads
    assert ran.reads == now.reads == set()


def test_effects_are_closed_once() -> None:
    effects = analyse_code("x = 1")
    names = Names([effects, effects])
    assert names.transitive(effects) is names.transitive(effects)


START = """\
import numpy as np
import pandas as pd
import matplotlib.pyplot as plt
from pathlib import Path
df = pd.read_csv('data.csv')
other = pd.read_csv('other.csv')
rows = [{}]
n = 1
def clean(text): return text.strip()
class Log:
    def add(self, line): lines.append(line)
lines = []
log = Log()
counts = {}
def count(key): counts[key] = 1
"""


@pytest.mark.parametrize(
    "above",
    [
        "df['a'] = 1",
        "df.drop(columns='a', inplace=True)",
        "df = df.dropna()",
        "del df",
        "def f():\n    global df\n    df = other\nf()",
        "for row in df: row['a'] = 1",
        "shuffle(df)",
        "df.columns = ['a']",
        "with df as x: pass",
        "result = mystery(df)",
        "pd.set_option('display.max_rows', 4)",
        "pd.options.display.max_rows = 8",
        "np.set_printoptions(precision=2)",
        "exec(text)",
        "globals()['df'] = 1",
        "%run other.py",
    ],
)
def test_what_is_likely_to_disturb_a_prompt(above: str) -> None:
    _, disturber, prompt = transitive(START, above, ">Describe {df.head()}", plain="text")
    assert may_disturb(disturber, prompt)


@pytest.mark.parametrize(
    "above",
    [
        "import json, re",
        "from math import *",
        "%matplotlib inline",
        "!pip install x",
        "print(df.describe())",
        "df.head()",
        "display(df)",
        "new = df.dropna().groupby('a').agg('mean')",
        "new = df[df.a > 1].assign(b=2)",
        "new = pd.merge(df, other, on='a')",
        "new = np.log(df.a)",
        "new = [clean(x) for x in df.a]",
        "new = df.a.apply(lambda x: clean(x))",
        "other['a'] = df.a",
        "for i, row in df.iterrows():\n    print(row.a)",
        "fig, ax = plt.subplots()\nax.plot(df.a)\nax.set_title('x')\nplt.show()",
        "plt.plot(df.a, df.b)\nplt.show()",
        "Path('x').write_text(df.to_csv())",
        "lines.append(df.a)",
        "log.add(len(df))",
        "y = unknown + 1",
        "if n > 1:\n    n = 2",
        "answer = other_answer + 'x'",
    ],
)
def test_what_is_not_likely_to_disturb_a_prompt(above: str) -> None:
    _, passer, prompt = transitive(
        START, above, ">Describe {df.head()} {clean(s)}", answers="s other_answer"
    )
    assert not may_disturb(passer, prompt)


def test_what_disturbs_by_functions_and_methods() -> None:
    _, adds, counting, shows_lines, shows_counts = transitive(
        START, "log.add('x')", "count('x')", ">{lines}", ">{counts}"
    )
    assert may_disturb(adds, shows_lines)
    assert may_disturb(counting, shows_counts)
    assert not may_disturb(adds, shows_counts)
    assert not may_disturb(counting, shows_lines)


def test_prompts_disturb_those_that_show_their_answers() -> None:
    cells = [PromptCell(content=text) for text in ("a", "{first}", "b", "{_}")]
    effects = [
        analyse_cell(cell, name) for cell, name in zip(cells, ["first", "x", "y", "z"], strict=True)
    ]
    names = Names(effects)
    first, second, third, last = map(names.transitive, effects)
    assert may_disturb(first, second)
    assert not may_disturb(first, third)
    assert may_disturb(third, last)


def test_files_that_may_be_written_disturb_prompts_that_are_sent_with_files() -> None:
    picture = analyse_cell(PromptCell(content="a", attachments=["plots/a.png"]), "x")
    effects = [analyse_code("plt.savefig('plots/a.png')"), picture, Effects(acts=False)]
    names = Names(effects)
    writer, prompt, other = map(names.transitive, effects)
    assert may_disturb(writer, prompt)
    assert not may_disturb(other, prompt)
    assert not may_disturb(writer, names.transitive(analyse_cell(PromptCell(content="b"), "x")))
