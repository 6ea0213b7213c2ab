"""What code reads, binds and changes, construct by construct."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.dataflow.code import analyse_code, analyse_expression
from llm_repl_core.dataflow.effects import NOTHING

READS = {
    # Names and operators.
    "x": "x",
    "a + b * -c": "a b c",
    "a and b or not c": "a b c",
    "a if b else c": "a b c",
    "a < b < c": "a b c",
    "a[b:c:d]": "a b c d",
    "a.b.c": "a",
    "f(a, *b, k=c, **d)": "f a b c d",
    "[a, *b]; (c,); {d}; {e: g, **h}": "a b c d e g h",
    "f'{a!r:>{b}} {c=} {f\"{d}\"}'": "a b c d",
    "await a": "a",
    "print(len(a), max(b), ValueError)": "a b",
    "__name__": "__name__",
    # Bound before it is used, for sure or not.
    "x = 1\nx": "",
    "x += 1": "x",
    "x = 1\nx += y": "y",
    "x: int = y": "y",
    "x: T": "T",
    "x = x": "x",
    "x, y = y, x": "x y",
    "x = y = z": "z",
    "[x, (y, *z)] = a\nx, y, z": "a",
    "if a:\n    x = 1\nx": "a x",
    "if a:\n    x = 1\nelse:\n    x = 2\nx": "a",
    "if a:\n    x = 1\nelif b:\n    x = 2\nelse:\n    x = 3\nx": "a b",
    "if a:\n    x = 1\n    x": "a",
    "x = 1\nif a:\n    del x\nx": "a x",
    "while a:\n    x = 1\nx": "a x",
    "while a:\n    pass\nelse:\n    x = 1\nx": "a x",
    "for x in a:\n    x\nx": "a x",
    "for i, (j, k) in a: i, j, k": "a",
    "for a[i] in b: pass": "a b i",
    "async for x in a: x": "a",
    "try:\n    x = 1\nexcept E:\n    x = 2\nx": "E x",
    "try:\n    a\nexcept E as e:\n    e\nelse:\n    b\nfinally:\n    c\ne": "a b c e E",
    "try:\n    a\nexcept* E as e:\n    e": "a E",
    "e = 1\ntry:\n    a\nexcept E as e:\n    pass\ne": "a e E",
    "with a as x, b as (y, z): x, y, z": "a b",
    "with a as x:\n    y = 1\ny": "a y",
    "with open(a) as x:\n    y = x.read()\ny": "a",
    "async with a as x: x": "a",
    "(x := a)\nx": "a",
    "a and (x := b)\nx": "a b x",
    "if (x := a):\n    pass\nx": "a",
    "a if b else (x := c)\nx": "a b c x",
    "assert a, (x := b)\nx": "a b x",
    "x = 1\ndel x\nx": "x",
    "del x": "x",
    "del x[a], y.b, (z, w)": "x a y z w",
    "x[a] = b": "x a b",
    "x.a = b": "x b",
    "x[a] += b": "x a b",
    "x.a += b": "x b",
    "raise a from b": "a b",
    "global x\nx = 1\nx": "",
    "import a\na": "",
    "import a.b as c\na, c": "a",
    "from a import b as c\nc, b": "b",
    # Comprehensions.
    "[x for x in a]": "a",
    "[x for x in x]": "x",
    "[x + y for x in a if b for y in x if c]": "a b c",
    "{k: v for k, v in a}; {x for x in b}; (x for x in c)": "a b c",
    "[(y := x) for x in a]\ny": "a y",
    "[x for x in a]\nx": "a x",
    "[i async for i in a]": "a",
    "x = [x for x in range(3)]": "",
    "[[y for y in x] for x in a]": "a",
    # Functions: their bodies run when they are called.
    "def f(): return x": "",
    "def f(): return x\nf()": "x",
    "def f(): return x\ng = f": "x",
    "def f(): return x\nx = 1": "",
    "x = 1\ndef f(): return x\nf()": "",
    "def f(): return x\nx = 1\nf()": "",
    "def f(): return x\nf()\nx = 1": "x",
    "def f(): return x\nif a:\n    x = 1\n    f()\nf()": "a x",
    "def f(): return g()\ndef g(): return x\nf()": "x",
    "def f(): return g()\nf()\ndef g(): return x": "g x",
    "def f(a, b=c, *d, e: g = h, **i) -> j: return a, b, d, e, i": "c g h j",
    "@a(b)\ndef f(): return x": "a b x",
    "def f():\n    x = 1\n    return x\nf()": "",
    "def f():\n    y = x\n    x = 1\nf()": "",
    "def f():\n    global x\n    x += 1\nf()": "x",
    "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x += y\n    g()\nf()": "y",
    "def f():\n    x = 1\n    return lambda: x + y\nf()": "y",
    "def f():\n    import a\n    return a\nf()": "",
    "def f():\n    for x in a: pass\n    return [x for z in b]\nf()": "a b",
    "def f():\n    with a as x: return x\nf()": "a",
    "def f():\n    [y := x for x in a]\n    return y\nf()": "a",
    "async def f(): return await x\nawait f()": "x",
    "def f(): yield x\nlist(f())": "x",
    "f = lambda a, b=c: a + b + x": "c",
    "f = lambda a, b=c: a + b + x\nf(1)": "c x",
    "f(lambda a: a + x)": "f x",
    # Classes: their bodies run at once, their methods later.
    "class C: x": "x",
    "class C: x = y": "y",
    "class C:\n    x = x": "x",
    "class C:\n    x = 1\n    y = x": "",
    "class C:\n    if a:\n        x = 1\n    y = x": "a x",
    "class C:\n    x = 1\n    def m(self): return x": "",
    "class C:\n    x = 1\n    def m(self): return x\nC()": "x",
    "class C:\n    x = 1\n    y = [x for i in a]": "a x",
    "class C:\n    x = a\n    y = [i for i in x]": "a",
    "class C(B, metaclass=M): pass": "B M",
    "@d\nclass C:\n    def m(self): return x": "d x",
    "class C:\n    def m(self):\n        return super().m(), __class__\nC()": "__class__",
    "class C:\n    class D:\n        def m(self): return x\nC()": "x",
    # Patterns.
    "match a:\n    case [x, *y] if b: x, y": "a b",
    "match a:\n    case {'k': x, **y}: x, y\n    case C(z, k=w): z, w": "a C",
    "match a:\n    case b.c | 1 | None: pass\n    case (1 | 2) as x: x\n    case _: d": "a b d",
    "match a:\n    case x: pass\nx": "a x",
}


@pytest.mark.parametrize(("text", "expected"), READS.items())
def test_reads(text: str, expected: str) -> None:
    effects = analyse_code(text)
    assert effects.sees_all is None
    assert effects.reads == set(expected.split())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are of Python 3.12")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f[T: B](a: T) -> T: return T, x", "B"),
        ("def f[T: B](a: T) -> T: return T, x\nf(1)", "B x"),
        ("class C[T](G[T]):\n    a: T", "G"),
        ("type A[T] = list[T] | B", ""),
        ("type A[T] = list[T] | B\nA", "B"),
    ],
)
def test_reads_of_type_parameters(text: str, expected: str) -> None:
    assert analyse_code(text).reads == set(expected.split())


WRITES = {
    "x = 1; y += 1; z: int = 1; w: int": "x y z",
    "a, [b, *c] = d, (e.f, g[h]) = i": "a b c d",
    "for x in a: pass\nelse: y = 1": "x y",
    "with a as (b, c): pass": "b c",
    "try: pass\nexcept E as e: pass": "e",
    "import a.b, c.d as e\nfrom f import g as h, i": "a e h i",
    "def f(x): y = 1": "f",
    "class C:\n    x = 1\n    def m(self): pass": "C",
    "class C:\n    global x\n    x = 1": "C x",
    "f(x := 1, [y := 2 for z in a])": "x y",
    "del x, (y, z), a.b, c[0]": "x y z",
    "match a:\n    case {'k': [b, *c], **d} | C(e, k=f) as g: pass": "b c d e f g",
    "def f():\n    global x\n    x = 1": "f",
    "def f():\n    global x\n    x = 1\nf()": "f x",
    "def f():\n    global x\n    del x\ng(f)": "f x",
    "def f():\n    global x\n    for x in a: pass\n    import y\nf()": "f x",
    "def f():\n    def g():\n        global x\n        x = 1\n    g()\nf()": "f x",
    "f = lambda: (x := 1)\nf()": "f",
    "[x for x in a]": "",
}


@pytest.mark.parametrize(("text", "expected"), WRITES.items())
def test_writes(text: str, expected: str) -> None:
    assert analyse_code(text).writes == set(expected.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\nif a:\n    y = 1", "x"),
        ("x = 1\ndel x", ""),
        ("if a:\n    x = 1\nelse:\n    x = 2", "x"),
        ("for x in a: y = 1\nz = 1", "z"),
        ("def f(): pass\nclass C: pass\nimport a", "f C a"),
        ("x += 1", "x"),
        ("def f():\n    global x\n    x = 1\nf()", "f"),
    ],
)
def test_names_that_surely_have_a_new_value(text: str, expected: str) -> None:
    assert analyse_code(text).rebinds == set(expected.split())


@pytest.mark.parametrize(
    ("text", "changes", "touches"),
    [
        ("x", "", ""),
        ("print(x, len(y)); str(z)", "", ""),
        ("a + b == c[d].e", "", ""),
        ("y = x.upper().split(',')", "", ""),
        ("y = sorted(x, key=len) + sorted(x, key=lambda r: r['n'])", "", ""),
        ("y = [max(i) for i in x]", "", ""),
        ("y = x.groupby('a').agg(['mean']).reset_index()", "", ""),
        ("x[y] = z", "x", ""),
        ("x.a = z", "x", ""),
        ("x[0].a['b'] = z", "x", ""),
        ("del x[0], y.b", "x y", ""),
        ("x += y", "x", ""),
        ("x.a += y", "x", ""),
        ("with x as y: pass", "x", ""),
        # What is called for its own sake changes something: a method its object.
        ("x.append(y)", "x", "x"),
        ("x.a.b[c].append(y)", "x", "x"),
        ("await x.put(y)", "x", "x"),
        ("f(x, y.a)", "x", "x y"),
        ("m.shuffle(x)", "x", "x"),
        ("setattr(x, 'a', y)", "x", "x"),
        ("next(x)", "x", "x"),
        ("x.sort_values('a', inplace=True)", "x", "x"),
        ("exit(x)", "", ""),
        # What is called for its value may change something.
        ("y = f(x, *[z], k=w)", "", "x z w"),
        ("y = x.pop()", "", "x"),
        ("y = x.get(k)", "", ""),
        ("y = x.get()", "", "x"),
        ("y = x.sort_values('a')", "", ""),
        ("y = x.to_csv()", "", ""),
        ("print(x, file=y)", "", "x y"),
        ("y = await x", "", "x"),
        # Through functions of the same cell, and through the items of what is gone through.
        ("def f(a):\n    a.append(x)", "", ""),
        ("def f(a):\n    a.append(x)\nf(b)", "b", "b"),
        ("def f():\n    x.append(1)\nf()", "x", "x"),
        ("for i in x:\n    i['a'] = 1", "i x", ""),
        ("for n, i in enumerate(x):\n    i.pop()", "i x", "i"),
        ("for i in x:\n    y.append(i)", "y", "y"),
    ],
)
def test_changes_and_touches(text: str, changes: str, touches: str) -> None:
    effects = analyse_code(text)
    assert effects.changes == set(changes.split())
    assert effects.touches == set(touches.split())


def test_what_is_put_off_until_a_call() -> None:
    effects = analyse_code(
        "def f(a):\n    global w\n    w = a + x\nclass C:\n    def m(self): y.z()\n"
        "    def n(self): return v"
    )
    (called,) = effects.functions["f"]
    assert called.reads == {"x"}
    assert called.writes == {"w"}
    assert [one.reads for one in effects.functions["C"]] == [{"y", "v"}]
    assert [one.reads for one in effects.methods[".m"]] == [{"y"}]
    assert effects.hooks == []


@pytest.mark.parametrize(
    "text",
    [
        "class C:\n    def __len__(self): return x",
        "class C:\n    @property\n    def p(self): return x",
        "class C:\n    class D:\n        def __repr__(self): return x",
        "@decorated\ndef f(): return x",
        "def f():\n    def g(): return x\n    return g",
        "def f(): return lambda: x",
        "def f():\n    yield x",
        "async def f(): return x",
        "handlers = [lambda: x]",
        "g = (x for i in y)",
    ],
)
def test_code_that_others_may_run_without_naming_it(text: str) -> None:
    assert any("x" in hook.reads for hook in analyse_code(text).hooks)


def test_names_and_attributes_that_are_not_just_called() -> None:
    effects = analyse_code("a(); b.c.d(); e = f; g.h; i(j, k=l.m); n[o]; p.q = 1")
    assert effects.escapes == {"f", "j", ".m", "o"}
    assert effects.attributes == {".c", ".d", ".h", ".m", ".q"}
    assert analyse_code("getattr(x, 'y')()").attributes == {".y"}
    assert analyse_code("getattr(x, y)()").attributes == {"*"}


def test_modules() -> None:
    effects = analyse_code("import numpy as np, os.path\nfrom pandas import DataFrame as Frame")
    assert effects.modules == {"np": "numpy", "os": "os", "Frame": "pandas.DataFrame"}


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "print(x, file=y)",
        "input()",
        "import os\nos.remove(x)",
        "os.environ.update(x)",
        "subprocess.run(x)",
        "import subprocess as sp\nsp.run(x)",
        "import requests\nrequests.get(x).json()",
        "from time import sleep\nsleep(1)",
        "import time\ntime.sleep(1)",
        "def f(): time.sleep(1)\nf()",
        "Path(x).write_text('y')",
        "df.to_csv(path)",
        "plt.savefig('x.png')",
        "datetime.now()",
        "!ls",
    ],
)
def test_what_acts_on_the_world(text: str) -> None:
    assert analyse_code(text).acts


@pytest.mark.parametrize(
    "text",
    [
        "print(x)",
        "os.path.join(x, y)",
        "os.getenv('x')",
        "df.to_csv()",
        "df.to_html(index=False)",
        "time.strftime('%Y')",
        "urllib.parse.quote(x)",
        "def f(): time.sleep(1)",
        "x.replace('a', 'b').rename(c)",
        "%matplotlib inline",
    ],
)
def test_what_does_not_act_on_the_world(text: str) -> None:
    assert not analyse_code(text).acts


@pytest.mark.parametrize(
    "text",
    ["pd.set_option('a', 1)", "pd.options.display.max_rows = 4", "set_printoptions(2)"],
)
def test_what_sets_how_values_are_shown(text: str) -> None:
    assert analyse_code(text).sets_display


def test_nothing_does_nothing() -> None:
    for text in ("", "  \n", "# a comment", "#!shebang"):
        assert analyse_code(text) is NOTHING


SEES_ALL = [
    "globals()",
    "x = globals",
    "locals()['x']",
    "vars()",
    "dir()",
    "exec('x = 1')",
    "eval(text)",
    "compile(text, '', 'exec')",
    "lambda: exec(text)",
    "def f(): return eval(text)\nf()",
    "@decorated\ndef f(): return eval(text)",
    "[eval(i) for i in x]",
    "import builtins\nbuiltins.eval('x')",
    "import builtins as b",
    "from builtins import eval as e",
    "__builtins__['eval']",
    "__import__('__main__').x",
    "__import__(name)",
    "import importlib\nimportlib.import_module('__main__')",
    "import __main__",
    "from __main__ import x",
    "import sys\nsys.modules['__main__']",
    "import sys\nsys._getframe()",
    "import sys as s",
    "import sys\ngetattr(sys, name)",
    "from sys import modules",
    "import inspect\ninspect.stack()",
    "from inspect import currentframe",
    "frame.f_globals",
    "f.__globals__",
    "from x import *",
    "get_ipython().run_line_magic('time', '')",
    "df.eval(text)",
    "df.query(text)",
    "duckdb.sql('select * from df')",
    "import gc\ngc.get_objects()",
    "%run other.py",
    "x = %sql select 1",
    "%%sql\nselect 1",
    "%lsmagic",
    "this is some prose",
    "x = (",
    "\x00",
    "\ud800",
    "if x:\n    y\n  z",
]


@pytest.mark.parametrize("text", SEES_ALL)
def test_what_sees_all_names(text: str) -> None:
    reason = analyse_code(text).sees_all
    assert reason is not None
    assert not reason.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "vars(x)",
        "dir(x)",
        "re.compile(x)",
        "model.eval",
        "import sys\nsys.path.append('x')\nsys.argv",
        "import sys, inspect\ninspect.signature(f)",
        "df.stack()",
        "__import__('json').loads(x)",
        "breakpoint(); input()",
        "getattr(x, 'y'); setattr(x, 'y', 1)",
        "def f(compile): return compile",
        "x = 5 \\\n% 3",
        "'''\n%time\n!ls\n'''",
        "x = (a\n    % b)",
        "df.query('a > 3')",
    ],
)
def test_what_does_not_see_all_names(text: str) -> None:
    assert analyse_code(text).sees_all is None


def test_names_in_a_query_are_reads() -> None:
    assert analyse_code("df.query('a > @limit and b < @x.y')").reads == {"df", "limit", "x"}


@pytest.mark.parametrize(
    ("text", "reads", "writes", "mentions"),
    [
        ("%matplotlib inline\nx = y", "y", "x", "inline matplotlib"),
        ("%time x = f(y)", "f y", "x", ""),
        ("%%time\nx = y", "y", "x", ""),
        ("%%capture out\nx = y", "y", "x out", ""),
        ("!ls {x} $y", "", "", "ls x y"),
        ("x = !ls {y}", "", "x", "ls y"),
        ("if a:\n    !rm x", "a", "", "rm x"),
        ("%%bash\nls $x", "", "", "bash ls x"),
        ("x?", "", "", "x"),
        ("x.y??\nz", "z", "", "x y"),
        ("?x", "", "", "x"),
    ],
)
def test_magics(text: str, reads: str, writes: str, mentions: str) -> None:
    effects = analyse_code(text)
    assert effects.sees_all is None
    assert effects.reads == set(reads.split())
    assert effects.writes == set(writes.split())
    assert effects.mentions == set(mentions.split())


def test_the_python_around_magics_is_analysed() -> None:
    effects = analyse_code("%%time\n%run x\nb = !ls\nif a:\n    !rm x\n%time c = f(d)")
    assert effects.reads == {"a", "d", "f"}
    assert effects.writes == {"b", "c"}
    assert effects.sees_all == "a magic may do anything"


DEEP = [
    "(" * 500 + ")" * 500,
    "-" * 5_000 + "1",
    "x" + "+ x" * 5_000,
    "x" + ".x" * 5_000,
    "x" + "()" * 5_000,
    "x" + "[x" * 150 + "]" * 150,
    "lambda: " * 300 + "x",
    "if x: pass\n" + "elif x: pass\n" * 2_000,
    "[" * 90 + "x for x in y" + "]" * 90,
    "sorted(x, key=lambda y: " * 60 + "1" + ")" * 60,
    "f'{" * 100 + "x" + "}'" * 100,
    "a, " * 3_000,
    "(a, " * 80 + "b" + ")" * 80 + " = " + "(a, " * 80 + "b" + ")" * 80,
    " " * 50_000 + "x?" + " " * 50_000 + "y",
    "?" * 50_000 + "x",
    "\n" * 50_000 + "x x",
    "x " * 20_000 + "=",
]


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_no_text_takes_long_or_raises(text: str) -> None:
    began = time.monotonic()
    analyse_code.__wrapped__(text)
    analyse_expression.__wrapped__(text)
    assert time.monotonic() - began < 5


def test_time_rises_with_the_length() -> None:
    text = "".join(
        f"def f{i}(a): return f{i - 1}(a) + x{i}\ny{i} = [lambda: f{i}(i) for i in z{i}]\n"
        for i in range(2_000)
    )
    began = time.monotonic()
    effects = analyse_code(text)
    assert time.monotonic() - began < 10
    assert {"f-1", "z1999"} - effects.reads == {"f-1"}
    assert "x1999" in effects.reads


_TOKENS = """\
x y f ( ) [ ] { } : = := == + * ** , . lambda def class if else for in while with as try except
match case global nonlocal del import from return yield await async not and or is None 1 'a' f'{
}' % ! ? %% @ ; -> # \\"""


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from([*_TOKENS.split(), "\n", "\n\t"]), max_size=25).map(" ".join),
    )
)
def test_any_text_is_analysed(text: str) -> None:
    analyse_code(text)
    analyse_expression(text)
