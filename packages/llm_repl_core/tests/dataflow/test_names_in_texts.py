"""Names within texts that libraries evaluate in the frame of whoever calls them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Notebook, Session
from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.dataflow.known import names_in_text

# `frame` is what the cell above sets, in each of these.
USES = [
    'duckdb.execute("select * from frame")',
    'duckdb.query("FROM frame").df()',
    'duckdb.sql("""\n-- all\nselect a, b\nfrom other, frame\n""")',
    'query = "with x as (from frame) select * from x"\ncon.execute(query)',
    'con.execute(f"select {column} from frame")',
    'print(duckdb.sql("from frame"))',
    'pd.eval("frame * 2")',
    'pd.eval("frame")',
    'df.eval("c = a + @frame")',
    'df.query("a > @frame")',
    'numexpr.evaluate("2 * frame + 1")',
    'smf.ols("y ~ frame + C(z)", data=df)',
    'timeit.timeit("sum(frame)", globals=names)',
    'def read() -> "list[frame]": ...',
    'def read(of: "frame | None" = None): ...',
    'x: "frame" = None',
    'mock.patch("__main__.frame")',
    'def ask():\n    return duckdb.sql("from frame")\nask()',
    'duckdb.sql("from frame")\nframe = 2',
]
NO_USES = [
    'print("the frame is from frame")',
    'print(f"from frame {1}")',
    'logging.getLogger("x").info("select frame")',
    'raise ValueError("no frame ~ here")',
    '"""from frame"""',
    'def f():\n    """Select from frame."""',
    'pd.read_csv("data/frame.csv")',
    'df.groupby("frame")["frame"]',
    'plt.xlabel("frame / s")',
    'ax.plot(x, label="frame (m)")',
    'model.ask("Please sum up the frame.")',
    'requests.get("https://example.org/frame?a=b")',
    'duckdb.sql("from other_frame")',
    'def ask(frame):\n    return duckdb.sql("from frame")',
    'frame = 2\nduckdb.sql("from frame")',
    'df[["frame", "other"]]',
]


def edges(code):
    notebook = Notebook()
    first = notebook.add_code("frame = load()")
    second = notebook.add_code(code)
    with Session(notebook) as session:
        graph = session.dependencies.graph()
    found = {(one.source, one.target) for one in graph.edges if one.variable == "frame"}
    assert found <= {(first.id, second.id)}
    return bool(found)


@pytest.mark.parametrize("code", USES)
def test_a_name_in_a_text_that_is_evaluated_is_a_use(code):
    assert edges(code)


@pytest.mark.parametrize("code", NO_USES)
def test_a_name_in_another_text_is_none(code):
    assert not edges(code)


def test_what_the_notebook_does_not_set_is_no_matter():
    effects = analyse_code('duckdb.sql("select * from frame")')
    assert effects.reads == {"duckdb"}
    notebook = Notebook()
    notebook.add_code('import duckdb\nduckdb.execute("from frame")')
    notebook.add_code('rows = duckdb.execute("from rows")')
    with Session(notebook) as session:
        edges = session.dependencies.graph().edges
    assert not {edge.variable for edge in edges} & {"from", "frame", "rows"}


def test_they_become_stale():
    notebook = Notebook()
    first = notebook.add_code("import pandas as pd\na = pd.Series([1, 2])")
    direct = notebook.add_code("pd.eval('a * 2').tolist()")
    function = notebook.add_code("def twice():\n    return pd.eval('a * 2').tolist()")
    calls = notebook.add_code("twice()")
    other = notebook.add_code("print('a * 2')")
    with Session(notebook) as session:
        session.run()
        assert [one.outputs[0].content for one in (direct, calls)] == ["[2, 4]", "[2, 4]"]
        notebook.change(first.id, content="import pandas as pd\na = pd.Series([5])")
        session.run([first.id])
        assert [one.stale for one in (direct, function, calls, other)] == [True, False, True, False]
        session.run(session.dependencies.stale())
        assert [one.outputs[0].content for one in (direct, calls)] == ["[10]", "[10]"]


def test_a_cell_waits_for_the_answer_that_its_text_names():
    notebook = Notebook()
    notebook.add_prompt("a", model="mock/echo+delay=0.2", response_var="given")
    notebook.add_code("import pandas as pd\ntwice = pd.eval('given + given', engine='python')")
    with Session(notebook) as session:
        session.run()
        assert session.state["twice"] == "aa"


def test_duckdb_reads_frames_by_their_names():
    pytest.importorskip("duckdb")
    notebook = Notebook()
    first = notebook.add_code("import duckdb, pandas as pd\nframe = pd.DataFrame({'n': [1, 2]})")
    total = notebook.add_code("print(duckdb.execute('select sum(n) from frame').fetchall())")
    with Session(notebook) as session:
        session.run()
        notebook.change(first.id, content=first.content.replace("[1, 2]", "[7]"))
        session.run([first.id])
        assert total.stale
        session.run(session.dependencies.stale())
    assert total.outputs[0].content == "[(7,)]\n"


@given(st.text(max_size=200))
def test_any_text_has_names_that_stand_in_it(text):
    for name in names_in_text(text):
        assert name in unicodedata.normalize("NFKC", text)


def test_a_prompt_does_not_overtake_what_sets_how_values_are_shown():
    notebook = Notebook()
    notebook.add_code("import pandas as pd\nframe = pd.DataFrame({'n': range(99)})")
    for change in ("pd.set_option('display.max_rows', 4)", "pd.options.display.max_rows = 8"):
        notebook.add_code(f"import time\ntime.sleep(0.2)\n{change}")
        notebook.add_prompt("{frame}", model="echo")
    with Session(notebook, kernel="worker") as session:
        session.run()
    lengths = [len(cell.outputs[-1].content.splitlines()) for cell in notebook.cells[2::2]]
    assert lengths[0] < lengths[1] < 20


@pytest.mark.parametrize("code", ["frame.query('@µ > 3')", "show('see @µ')", "show('µ > 3')"])
def test_a_name_is_the_one_that_python_makes_of_it(code: str) -> None:
    effects = analyse_code(code)
    assert "\N{GREEK SMALL LETTER MU}" in effects.reads | effects.mentions
