"""What a prompt, a context or a tool's result inserts of a large value: all of it, or a notice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llm_repl_core import CellExecutionError, Notebook, Session
from llm_repl_core.application import Application
from llm_repl_core.engine.prompts.tools import call_tool
from llm_repl_core.kernels.base import Expression
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.settings import Settings

pandas = pytest.importorskip("pandas")
numpy = pytest.importorskip("numpy")

KERNELS = ["in_process", "worker", "jupyter"]
OURS = ["in_process", "worker"]
VALUES = """
import collections, dataclasses
import numpy as np
import pandas as pd
frame = pd.DataFrame({f"column{n}": range(1000 * n, 1000 * n + 100) for n in range(30)})
frame["words"] = ["word " * 30 + f"end{n}" for n in range(100)]
lists = pd.DataFrame({"lists": [[*range(120), f"last{n}"] for n in range(80)]})
index = pd.MultiIndex.from_product([range(20), ["first", "second", "third", "fourth", "fifth"]])
indexed = frame.set_index(index)
series = pd.Series(range(7000, 7500))
array = np.arange(20_000, 23_000)
matrix = np.arange(10_000, 12_500).reshape(50, 50)
masked = np.ma.masked_array(array, mask=array % 1000 == 1)
letters = pd.Categorical([f"c{n}" for n in range(26)] * 2)
@dataclasses.dataclass
class Both:
    frame: object
    array: object
both = Both(frame, array)
nested = {"frames": [frame], "arrays": (array, {"deep": collections.deque([matrix])})}
def as_text(value):
    return f"{value}"
"""
WHOLE = {
    "{frame}": [*range(1000, 1100), *range(29_000, 29_100), "end50", "end99"],
    "{lists}": [f"119, last{n}" for n in range(80)],
    "{frame!r}": [*range(15_000, 15_100), "end50"],
    "{str(frame)}": [*range(15_000, 15_100), "end50"],
    "{as_text(frame)}": [*range(15_000, 15_100), "end50"],
    "{frame.to_html()}": [*range(15_000, 15_100), "end50"],
    "{indexed.index}": ["(10,  'third')", "(19,  'fifth')"],
    "{indexed}": [*range(15_000, 15_100), "end50"],
    "{series}": range(7000, 7500),
    "{series.index.astype(str)}": [f"'{n}'" for n in range(500)],
    "{array}": range(20_000, 23_000),
    "{matrix}": range(10_000, 12_500),
    "{masked}": [n for n in range(20_000, 23_000) if n % 1000 != 1],
    "{letters}": [f"'c{n}'" for n in range(26)],
    "{both}": [*range(15_000, 15_100), *range(20_000, 23_000)],
    "{nested['arrays']}": [*range(10_000, 12_500), *range(20_000, 23_000)],
    "{nested}": [*range(15_000, 15_100), *range(10_000, 12_500)],
}


@pytest.fixture(autouse=True)
def _options():
    """What the in-process kernel's code sets stays in this process, as it should."""
    with pandas.option_context("display.max_rows", 60), numpy.printoptions(threshold=1000):
        yield


@pytest.mark.parametrize("kernel", KERNELS)
def test_values_are_sent_whole(kernel):
    notebook = Notebook()
    notebook.add_code(VALUES)
    for template in WHOLE:
        notebook.add_prompt(template, model="echo")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        for cell in notebook.cells[1:]:
            [answer] = cell.outputs
            missing = [one for one in WHOLE[cell.content] if str(one) not in answer.content]
            assert missing == [], cell.content
            assert "..." not in answer.content, cell.content


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_too_large_brings_a_notice(kernel):
    notebook = Notebook()
    notebook.add_code(
        "import numpy as np, pandas as pd\n"
        "huge = pd.DataFrame(np.arange(6_000_000).reshape(200_000, 30))\n"
        "long = pd.DataFrame({'n': range(100_000)})\n"
        "numbers = np.arange(10_000_000)\n"
        "wide = pd.DataFrame(np.zeros((3, 5000)))\n"
        "items = [str(n) * 10 for n in range(10_000)]"
    )
    ways_out = {
        "{huge}": "`{huge.to_csv()}`, or a part of it, as in `{huge.head(20)}`",
        "{long}": "`{long.to_csv()}`, or a part of it, as in `{long.head(20)}`",
        "{numbers}": "`{str(numbers.tolist())}`, or a part of it, as in `{numbers[:100]}`",
        "{wide}": "`{wide.to_csv()}`",
        "{items}": "`{str(items)}`, or a part of it, as in `{items[:100]}`",
    }
    for template in ways_out:
        notebook.add_prompt(template, model="echo")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        for cell in notebook.cells[1:]:
            warning, answer = cell.outputs
            assert warning.type == "warning"
            assert warning.content.startswith(f"`{cell.content}` at line 1 "), warning.content
            assert ways_out[cell.content] in warning.content
            assert len(answer.content) <= 100_000
            assert len(answer.content) > 90_000
            assert "left out here" in answer.content
            assert "..." not in answer.content
            assert session.preview(cell.id).notices == (warning.content,)


def test_a_text_is_sent_whole_however_long():
    notebook = Notebook()
    notebook.add_code("text = 'a line\\n' * 100_000")
    notebook.add_prompt("{text}", model="echo")
    with Session(notebook) as session:
        session.run()
        [answer] = notebook.cells[1].outputs
        assert answer.content == "a line\n" * 100_000


@pytest.mark.parametrize("kernel", OURS)
def test_what_the_user_has_set_counts_and_stays(kernel):
    notebook = Notebook()
    options = "pd.get_option('display.max_rows'), pd.get_option('display.max_colwidth')"
    notebook.add_code(
        "import numpy as np, pandas as pd\n"
        "frame = pd.DataFrame({'n': range(1000, 1099)})\n"
        "pd.set_option('display.max_rows', 4)\n"
        "np.set_printoptions(threshold=50)\n"
    )
    for template in ("{frame}", "{frame.head(4)}", "{frame.n.to_numpy()}"):
        notebook.add_prompt(template, model="echo")
    notebook.add_code(f"print({options}, np.get_printoptions()['threshold'])")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        _, few, all_of_them, array, after = notebook.cells
        warning, answer = few.outputs
        assert "pandas's `display.max_rows` is 4" in warning.content
        assert "{frame.to_csv()}" in warning.content
        assert "1001" in answer.content
        assert "1050" not in answer.content
        assert [one.type for one in all_of_them.outputs] == ["llm_response"]
        assert "numpy's `threshold` is 50" in array.outputs[0].content
        assert after.outputs[0].content == "4 50 50\n"
        frame = session.preview(few.id)
        assert frame.notices == (warning.content,)


def test_options_are_as_before_behind_a_field_that_fails_or_sets_one():
    notebook = Notebook()
    notebook.add_code("import pandas as pd\ndef sets():\n    pd.set_option('display.max_rows', 7)")
    notebook.add_prompt("{pd.DataFrame(nothing)}", model="echo")
    notebook.add_code("print(pd.get_option('display.max_rows'), pd.get_option('display.width'))")
    notebook.add_prompt("{sets()}", model="echo")
    notebook.add_code("print(pd.get_option('display.max_rows'), pd.get_option('display.width'))")
    with Session(notebook) as session:
        with pytest.raises(CellExecutionError):
            session.run(stop_on_error=False)
        assert [cell.outputs[-1].content for cell in notebook.cells[2::2]] == ["60 80\n", "7 80\n"]


def test_each_item_is_sent_whole():
    notebook = Notebook()
    notebook.add_code(
        "import pandas as pd\n"
        "frames = [pd.DataFrame({'n': range(n, n + 99)}) for n in (1000, 2000)]\n"
        "frames.append(list(range(60_000)))"
    )
    notebook.add_prompt("{item} {item!r:.10} {len(item):>{width}}", for_each="frames", model="echo")
    notebook.cells[0].content += "\nwidth = 7"
    with Session(notebook) as session:
        session.run()
        *warnings, first, second, third = notebook.cells[1].outputs
        assert [one.content.partition(" is larger")[0] for one in warnings] == [
            "Item 3: `{item}` at line 1",
            "Item 3: `{item!r:.10}` at line 1",
        ]
        for start, answer in ((1000, first), (2000, second)):
            assert all(str(n) in answer.content for n in range(start, start + 99))
            assert "..." not in answer.content
            assert answer.content.endswith("     99")
        assert len(third.content) < 110_000


def test_what_says_nothing_of_the_value_brings_a_notice():
    notebook = Notebook()
    notebook.add_code(
        "import math\nimport pandas as pd\nclass Plain: pass\nplain = Plain()\n"
        "def twice(n): return 2 * n\nframe = pd.DataFrame({'a': [1]})"
    )
    said = {
        "{plain}": "an object of the class `Plain`",
        "{twice}": "a function",
        "{math}": "a module",
        "{Plain}": "a class",
        "{frame.style}": "an object of the class `Styler`",
        "{[*map(str, [1])] and (n for n in [1])}": None,  # no field
        "{map(str, [1])}": "an object of the class `map`",
        "{dict(f=1)}": "",
        "{twice(2)}": "",
    }
    for template in said:
        notebook.add_prompt(template, model="echo")
    with Session(notebook) as session:
        session.run()
        for cell in notebook.cells[1:]:
            notices = [one.content for one in cell.outputs if one.type == "warning"]
            if said[cell.content]:
                [notice] = notices
                assert said[cell.content] in notice
            elif said[cell.content] == "":
                assert notices == []


def test_a_class_of_a_library_that_abbreviates_by_itself_is_told():
    notebook = Notebook()
    notebook.add_code(
        "class Table:\n    def __repr__(self): return 'Table(1, 2, ..., 9)'\n"
        "    def to_pandas(self): return [1]\n"
        "class Own(Table): pass\nTable.__module__ = 'somelib.tables'\n"
        "table, own, text = Table(), Own(), 'And so on ...'"
    )
    for template in ("{table}", "{own}", "{text}", "{(text, text)}{dict(a=text)}"):
        notebook.add_prompt(template, model="echo")
    with Session(notebook) as session:
        session.run()
        types = [[one.type for one in cell.outputs] for cell in notebook.cells[1:]]
        assert types == [["warning", "llm_response"], *[["llm_response"]] * 3]
        assert "class `somelib.Table`" in notebook.cells[1].outputs[0].content
        assert "{table.to_pandas()}" in notebook.cells[1].outputs[0].content


HELD = """
import collections, dataclasses, types
class Table:
    def __repr__(self): return 'Table(1, 2, ..., 9)'
class Chart(Table):
    def to_json(self): return '{}'
Table.__module__ = Chart.__module__ = 'somelib.tables'
@dataclasses.dataclass(slots=True)
class Both:
    left: object
    right: object
class Own:
    def __init__(self): self.table = Table()
    def __repr__(self): return f"Own({self.table!r})"
class Closed(Own):
    def __repr__(self): return "Closed(...)"
held = [collections.deque([{"a": (1, Table())}]), Both(1, [Table()]), Own(), types.SimpleNamespace(a=Table())]
class Odd:
    @property
    def __class__(self): raise RuntimeError
    def __repr__(self): return "Odd"
kept = [Closed(), "..."]
odd = [Odd(), "..."]
chart = Chart()
round_ = [..., "..."]
round_.append(round_)
"""


@pytest.mark.parametrize("kernel", OURS)
def test_what_abbreviates_itself_is_told_also_where_something_holds_it(kernel):
    notebook = Notebook()
    notebook.add_code(HELD)
    told = [notebook.add_prompt(f"{{held[{n}]}}", model="echo") for n in range(4)]
    not_told = [
        notebook.add_prompt(f"{{{name}}}", model="echo") for name in ("kept", "odd", "round_")
    ]
    chart = notebook.add_prompt("{chart}", model="echo")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        for cell in told:
            assert "holds a `somelib.Table` that may be abbreviated" in cell.outputs[0].content
        for cell in not_told:
            assert [one.type for one in cell.outputs] == ["llm_response"]
        # `str(chart)` is what was sent.
        assert chart.outputs[0].content.endswith("insert `{chart.to_json()}`, or a part of it.")


def test_an_open_file_brings_a_notice(tmp_path):
    notebook = Notebook()
    notebook.add_code(f"file = open({str(tmp_path / 'a.txt')!r}, 'w+')")
    cell = notebook.add_prompt("{file}", model="echo")
    notebook.add_code("file.close()")
    with Session(notebook) as session:
        session.run()
        assert "`{file}` at line 1 is an open file, and is sent as" in cell.outputs[0].content


def test_a_relation_of_duckdb_is_told_to_be_abbreviated():
    pytest.importorskip("duckdb")
    notebook = Notebook()
    notebook.add_code("import duckdb\nrows = duckdb.sql('select * from range(100)')")
    notebook.add_prompt("{rows}", model="echo")
    notebook.add_prompt("{rows.df()}", model="echo")
    with Session(notebook) as session:
        session.run()
        assert "insert `{rows.df()}`" in notebook.cells[1].outputs[0].content
        [answer] = notebook.cells[2].outputs
        assert all(str(n) in answer.content for n in range(100))


def test_polars_shows_all():
    pytest.importorskip("polars")
    notebook = Notebook()
    notebook.add_code(
        "import polars as pl\n"
        "frame = pl.DataFrame({f'c{n}': range(1000 * n, 1000 * n + 100) for n in range(30)})\n"
        "words = pl.DataFrame({'w': ['word ' * 20 + f'end{n}' for n in range(50)]})"
    )
    for template in ("{frame}", "{words}"):
        notebook.add_prompt(template, model="echo")
    with Session(notebook) as session:
        session.run()
        frame, words = (cell.outputs[-1].content for cell in notebook.cells[1:])
    assert all(str(n) in frame for n in range(15_000, 15_100))
    assert all(f"end{n}" in words for n in range(50))


def test_what_looks_like_torch_shows_all():
    """Its options are of a module of this name, which a real torch has, too."""
    notebook = Notebook()
    notebook.add_code(
        "import sys, types\n"
        "sys.modules['torch._tensor_str'] = module = types.ModuleType('torch._tensor_str')\n"
        "module.PRINT_OPTS = types.SimpleNamespace(threshold=1000)\n"
        "class Tensor:\n"
        "    def __repr__(self):\n"
        "        return 'all' if module.PRINT_OPTS.threshold > 5000 else 'some ...'\n"
        "tensor = Tensor()"
    )
    notebook.add_prompt("{tensor} {[tensor, 1][0]}{dict(a=tensor)}", model="echo")
    with Session(notebook, kernel="worker") as session:
        session.run()
        assert notebook.cells[1].outputs[-1].content == "all {[tensor, 1][0]}{'a': all}"


# Cells that go along, and tools --------------------------------------------------------------


@pytest.mark.parametrize("kernel", OURS)
def test_cells_that_go_along_are_bounded_and_say_so(kernel):
    notebook = Notebook()
    notebook.add_code(
        "import numpy as np, pandas as pd\nframe = pd.DataFrame({'n': range(99)})\nframe"
    )
    notebook.add_code("np.arange(5000)")
    notebook.add_code("print('x' * 200_000)")
    notebook.add_code("frame.head(3)")
    notebook.add_code("['a ... b', '...']")
    prompt = notebook.add_prompt("Sum up.", context="above", model="echo")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        notices = [one.content for one in prompt.outputs if one.type == "warning"]
        assert [one.partition(",")[0] for one in notices] == ["Cell 1", "Cell 2", "Cell 3"]
        assert "shows a value abbreviated" in notices[0]
        assert "has 200,020 characters with its outputs, of which at most 100,000" in notices[2]
        preview = session.preview(prompt.id)
        assert list(preview.notices) == notices
        assert len(preview.messages[2].content) < 100_100


def test_the_limit_is_a_setting():
    notebook = Notebook()
    notebook.add_code("numbers = list(range(100))\nprint(numbers)")
    notebook.add_prompt("{numbers}", model="echo", context="above")
    with Session(notebook, application=Application(Settings(insert_limit_chars=200))) as session:
        session.run()
        along, field, answer = notebook.cells[1].outputs
        assert "at most 200 are sent" in along.content
        assert "has 390 characters" in field.content
        assert len(answer.content) <= 200


def test_a_tools_result_is_whole_up_to_the_limit(drive):
    code = (
        "import numpy as np, pandas as pd\n"
        "def small(): return pd.DataFrame({f'c{n}': range(15_000, 15_100) for n in range(30)})\n"
        "def large(): return np.arange(1_000_000)\n"
        "def text(): return 'x' * 300_000\n"
        "def listed(): return list(range(100_000))\n"
        "def plain(): return 'a ... b'\n"
    )

    async def check(kernel):
        small = await call_tool(ToolCall(id="1", name="small", arguments="{}"), kernel)
        assert all(str(n) in small.text for n in range(15_000, 15_100))
        assert small.outputs == ()
        for name in ("large", "text", "listed"):
            result = await call_tool(ToolCall(id="1", name=name, arguments="{}"), kernel)
            [warning] = result.outputs
            assert warning.type == "warning"
            assert warning.content.startswith(f"The result of `{name}` ")
            assert 90_000 < len(result.text) <= 100_000
            assert "left out here" in result.text
        plain = await call_tool(ToolCall(id="1", name="plain", arguments="{}"), kernel)
        assert (plain.text, plain.outputs) == ("a ... b", ())

    drive(check, code)


# What cells show -----------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", OURS)
def test_frames_look_as_in_a_notebook(kernel):
    notebook = Notebook()
    notebook.add_code(
        "import pandas as pd\n"
        "frame = pd.DataFrame({f'c{n}': ['value'] * 3 for n in range(20)})\n"
        "print(pd.get_option('display.max_columns'))\nprint(frame)\nframe"
    )
    with Session(notebook, kernel=kernel) as session:
        session.run()
        printed, shown = notebook.cells[0].outputs
        assert printed.content.startswith("20\n")
        for text in (printed.content, shown.content):
            assert "..." not in text
            assert "c10" in text


def test_the_process_of_the_in_process_kernel_is_as_before():
    """In a process of its own, where the cell is the first to import pandas."""
    code = (
        "from llm_repl_core import Notebook, Session\n"
        "notebook = Notebook()\n"
        "notebook.add_code('import pandas as pd\\nprint(pd.get_option(\"display.max_columns\"))')\n"
        "with Session(notebook, kernel='in_process') as session:\n"
        "    session.run()\n"
        "    print(notebook.cells[0].outputs[0].content)\n"
        "    import pandas\n"
        "    print(pandas.get_option('display.max_columns'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["20", "0"]


def test_a_preloaded_pandas_shows_frames_as_in_a_notebook(drive):
    async def check(kernel):
        [value] = await kernel.evaluate([Expression("pd.get_option('display.max_columns')")])
        assert value.json == 20

    drive(check, "import pandas as pd", preload=("pandas",))


@pytest.mark.parametrize("kernel", KERNELS)
def test_how_the_user_has_numbers_shown_holds_in_prompts_and_behind_them(kernel):
    notebook = Notebook()
    notebook.add_code(
        "import numpy as np\n"
        "np.set_printoptions(formatter={'float': '<{:.1f}>'.format})\n"
        "few, many = np.array([0.25, 3.0]), np.ones(2000)"
    )
    for text in ("{few}", "{many}", "{few}"):
        notebook.add_prompt(text, model="echo")
    notebook.add_code("shown = str(few)")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        asked = [cell.outputs[-1].content for cell in notebook.cells[1:4]]
        shown = session.state["shown"]
    assert asked[0] == asked[2] == shown == "[<0.2> <3.0>]"
    assert asked[1].count("<1.0>") == 2000
