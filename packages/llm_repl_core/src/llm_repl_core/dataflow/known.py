"""What is known by name: what changes nothing, acts on the world, sees all names, reads texts."""

from __future__ import annotations

import ast
import builtins
import re

from llm_repl_core.model.names import as_variable
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["BUILTINS", "CHANGES_FIRST", "DISPLAY_SETTERS", "EVALUATING", "LATE_LOOKUPS"]
__all__ += ["NAMESPACES", "PURE_METHODS", "SHOWING", "acts", "is_pure_call", "names_in_text"]
__all__ += ["sees_all", "sees_all_by_text", "word_set", "words_of"]


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
BUILTINS |= word_set("__build_class__ __debug__ __import__ display exit quit")

# What changes nothing -----------------------------------------------------------------------------

_PURE_BUILTINS = word_set("""
    abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict display
    divmod enumerate filter float format frozenset getattr hasattr hash hex id int isinstance
    issubclass iter len list map max memoryview min oct ord pow print property range repr reversed
    round set slice sorted staticmethod str sum super tuple type zip
""") | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
"""These change nothing that they are given."""
PURE_METHODS = word_set("""
    _asdict abs agg aggregate all any apply applymap argmax argmin argsort as_integer_ratio assign
    astype between bfill bit_length capitalize casefold center clip combine_first concat contains
    copy corr count cov cummax cumsum date decode describe dict diff difference dot drop
    drop_duplicates dropna duplicated encode endswith expanding expandtabs explode extract ffill
    fillna filter find findall first flatten format format_map fullmatch get group groupby groups
    head hex idxmax idxmin index intersection is_integer isalnum isalpha isascii isdecimal isdigit
    isdisjoint isidentifier isin islower isna isnull isnumeric isoformat isoweekday isprintable
    isspace issubset issuperset istitle isupper items iterrows itertuples join json keys last
    ljust lower lstrip map match max mean median melt memory_usage merge min mode model_dump
    model_dump_json most_common nlargest notna notnull nsmallest nunique partition pct_change pipe
    pivot pivot_table predict predict_proba quantile query ravel reindex removeprefix removesuffix
    rename replace resample reset_index reshape rfind rindex rjust rolling round rpartition rsplit
    rstrip sample score search select_dtypes set_index shift size sort_index sort_values split
    splitlines stack startswith std strftime strip sum swapcase symmetric_difference tail time
    timestamp title to_csv to_dict to_frame to_html to_json to_list to_markdown to_numpy to_string
    tolist transform translate transpose tz_convert tz_localize union unique unstack upper
    value_counts values var weekday where xs zfill
""")
"""Methods of values that by convention change nothing."""

CHANGES_FIRST = word_set(
    "copyto delattr fill_diagonal heapify heappop heappush insort next putmask setattr shuffle"
)
"""Functions that change their first argument."""

DISPLAY_SETTERS = word_set(
    "reset_option set_eng_float_format set_fmt_str_lengths set_option set_options"
    " set_printoptions set_tbl_cols set_tbl_rows"
)
"""Functions that change how a library shows all its values."""


def is_pure_call(node: ast.Call) -> bool:
    """Whether a call is known, or by convention sure, to change nothing.

    >>> [is_pure_call(parse_expression(call)) for call in ("sorted(x)", "x.upper()", "x.pop()")]
    [True, True, False]
    """
    keywords = {keyword.arg for keyword in node.keywords}
    match node.func:
        case ast.Name(id=name):
            return name in _PURE_BUILTINS and "file" not in keywords
        case ast.Attribute(attr="get"):
            return bool(node.args)  # that of a queue takes something out
        case ast.Attribute(attr=name) if name.startswith("to_"):
            return name in PURE_METHODS and not node.args and not keywords
        case ast.Attribute(attr=name):
            return name in PURE_METHODS and not keywords & {"inplace", "out"}
    return False


# What sees all names ------------------------------------------------------------------------------

_SEES_ALL = "`{}` sees every variable"
_SEES_ALL_BUILTINS = word_set("compile dir eval exec get_ipython globals locals vars")
_SEES_ALL_ATTRIBUTES = word_set("""
    __builtins__ __globals__ _current_frames _getframe _getframemodulename ag_frame cr_frame
    currentframe f_back f_builtins f_globals f_locals get_ipython get_objects get_referents
    get_referrers getouterframes gi_frame run_cell run_cell_magic run_line_magic tb_frame
    user_global_ns user_ns
""")
_SEES_ALL_MODULES = {
    "sys": word_set("modules"),
    "inspect": word_set("getargvalues getinnerframes stack trace"),
    "builtins": _SEES_ALL_BUILTINS | {"__import__"},
}
NAMESPACES = frozenset({"__builtins__", "__main__"})
"""Names that are all names."""

LATE_LOOKUPS = frozenset({"eval", "query", "sql"})
"""Methods that look names up which stand in a text."""


def sees_all(name: str, attribute: str | None = None) -> str | None:
    """Why the use of a name, or of an attribute of it, may use all names.

    >>> sees_all("globals"), sees_all("sys", "modules"), sees_all("sys", "path")
    ('`globals()` sees every variable', '`sys.modules` sees every variable', None)

    Args:
        name: The name; may be empty where the attribute is of something else.
        attribute: The attribute; None: the name stands by itself.
    """
    if attribute is None:
        if name in _SEES_ALL_BUILTINS:
            return _SEES_ALL.format(f"{name}()")
        is_known = name in _SEES_ALL_MODULES or name in NAMESPACES
        return _SEES_ALL.format(name) if is_known else None
    if attribute in _SEES_ALL_ATTRIBUTES:
        return _SEES_ALL.format(attribute)
    if name in NAMESPACES or attribute in _SEES_ALL_MODULES.get(name, ()):
        return _SEES_ALL.format(f"{name}.{attribute}")
    return None


def sees_all_by_text(node: ast.Call) -> str | None:
    """Why a call that reads names out of a text may use all.

    >>> sees_all_by_text(parse_expression("getattr(frame, 'f_globals')"))
    '`f_globals` sees every variable'
    >>> sees_all_by_text(parse_expression("frame.query('price > 3')"))
    """
    texts = [part.value if isinstance(part, ast.Constant) else None for part in node.args]
    first = texts[0] if texts else None
    match node.func:
        case ast.Name(id="getattr" | "attrgetter") | ast.Attribute(attr="attrgetter"):
            named = (str(text) for text in texts if text in _SEES_ALL_ATTRIBUTES)
            return next(map(_SEES_ALL.format, named), None)
        case ast.Name(id="__import__") | ast.Attribute(attr="import_module"):
            if first is None or first == "__main__":
                return "an import whose name is computed may be of the notebook itself"
        case ast.Attribute(attr=attribute) if attribute in LATE_LOOKUPS:
            if attribute == "sql" or not isinstance(first, str):
                return f"`.{attribute}()` may look variables up that its text names"
    return None


# What acts on the world ---------------------------------------------------------------------------

_ACTING_NAMES = word_set("breakpoint exit input open quit sleep urlopen")
_ACTING_MODULES = word_set("""
    aiohttp boto3 ftplib http httpx multiprocessing paramiko psutil requests shutil signal smtplib
    socket subprocess tempfile time urllib urllib3 webbrowser
""")
_ACTING_METHODS = word_set("""
    commit dump mkdir now popen rmdir save savefig send sendall sleep touch unlink urlopen
    urlretrieve utcnow write write_bytes write_text writelines
""")
_FILE_KINDS = word_set("csv excel feather hdf html json parquet pickle sql")
_IDLE = word_set("asctime cpu_count environ fspath get getenv getpid sep strftime strptime")


def acts(path: list[str], node: ast.Call | None = None) -> bool:
    """Whether a call acts on the world: files, the network, other processes, the clock.

    >>> acts(["os", "remove"]), acts(["os", "path", "join"])
    (True, False)

    Args:
        path: What is called, in its parts; the first one is empty where it is a method of a value.
        node: The call; None for what an import brings.
    """
    base, last = path[0], path[-1]
    if len(path) == 1:
        goes_to_file = node is not None and any(part.arg == "file" for part in node.keywords)
        return base in _ACTING_NAMES or (base == "print" and goes_to_file)
    if last.startswith("to_"):
        return node is not None and last[3:] in _FILE_KINDS and bool(node.args)
    is_acting = base in _ACTING_MODULES or (base == "os" and last != "")
    return last in _ACTING_METHODS or (
        is_acting and path[1] not in ("parse", "path") and last not in _IDLE
    )


# What reads texts ---------------------------------------------------------------------------------

EVALUATING = word_set(
    "eval evaluate exec execute executemany from_query patch query read_sql read_sql_query repeat"
    " sql table timeit"
)
"""Functions whose texts are evaluated, even those of one word."""

SHOWING = word_set(
    "critical debug error exception info log warn warning display input open print set_title"
    " set_xlabel set_ylabel suptitle xlabel ylabel"
)
"""Functions that only show, or write down, the texts that they are given."""

_LONGEST = 20_000  # characters: what is behind them is not looked at
_LONGEST_EXPRESSION = 2000
_WORD = re.compile(r"[^\W\d]\w*")
_SQL = re.compile(
    r"(?:\s|\(|--[^\n]*+\n)*+(?:alter|attach|call|copy|create|delete|describe|drop|explain|from"
    r"|insert|merge|pivot|select|show|summarize|table|unpivot|update|values|with)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:(?<![\w.])@|\b__main__\.)([^\W\d]\w*)")
_OPERATOR = re.compile(r"[-+*/%<>=(\[&|]")
_NO_EXPRESSION = re.compile(r"[\w./\\:~-]+\Z|.*\w\s\(")  # a path, a label with its unit


def words_of(text: str) -> frozenset[str]:
    """All words of a text that could be names.

    >>> sorted(words_of("SELECT price FROM sales LIMIT 3"))
    ['FROM', 'LIMIT', 'SELECT', 'price', 'sales']
    """
    return frozenset(map(as_variable, _WORD.findall(text[:_LONGEST])))


def names_in_text(text: str) -> frozenset[str]:
    """The names that libraries look up for a text, where it looks like one that is evaluated.

    ``duckdb.sql("select * from frame")`` reads ``frame``, and so does ``smf.ols("y ~ frame.x")``.
    Which functions do that cannot be known, and so it goes by what the text looks like; a label
    or a path is none, nor is a text that is one word.

    >>> sorted(names_in_text("price > limit")), sorted(names_in_text("data/price"))
    (['limit', 'price'], [])

    Args:
        text: A constant of a cell's code.
    """
    text = text[:_LONGEST]
    if _SQL.match(text) or ("~" in text and "~/" not in text):
        return words_of(text)
    named = frozenset(map(as_variable, _NAMED.findall(text)))
    if len(text) > _LONGEST_EXPRESSION or not _OPERATOR.search(text) or _NO_EXPRESSION.match(text):
        return named
    source = text.replace("@", " ").strip()
    try:
        parts = [*ast.walk(parse_expression(source))]
    except SyntaxError:
        try:
            parts = [part for statement in parse_statements(source) for part in ast.walk(statement)]
        except SyntaxError:
            return named
    if not parts or isinstance(parts[0], ast.Tuple):
        return named  # a comment, or a list of columns, say
    return named | {part.id for part in parts if isinstance(part, ast.Name)}
