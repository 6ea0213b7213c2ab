"""What is known by name: what changes nothing, what acts on the world, what sees all names.

``x.upper()`` → changes nothing; ``os.remove(path)`` → acts; ``frame.f_globals`` → sees all.
"""

from __future__ import annotations

import ast
import builtins

__all__ = [
    "BUILTINS",
    "CHANGES_FIRST",
    "DISPLAY_SETTERS",
    "LATE_LOOKUPS",
    "PURE_METHODS",
    "acts",
    "is_pure_call",
    "sees_all_by_attribute",
    "sees_all_by_call",
    "sees_all_by_import",
    "sees_all_by_name",
]

_SEES_ALL = "`{}` sees every variable"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | _words(
    "__build_class__ __debug__ __import__ display exit quit"
)
_PURE_BUILTINS = _words(
    """
    abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict display
    divmod enumerate filter float format frozenset getattr hasattr hash hex id int isinstance
    issubclass iter len list map max memoryview min oct ord pow print property range repr
    reversed round set slice sorted staticmethod str sum super tuple type zip
    """
) | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
"""These change nothing that they are given."""
PURE_METHODS = _words(
    """
    _asdict abs agg aggregate all any apply applymap argmax argmin argsort as_integer_ratio
    assign astype between bfill bit_length capitalize casefold center clip combine_first concat
    contains copy corr count cov cummax cumsum date decode describe dict diff difference dot
    drop drop_duplicates dropna duplicated encode endswith expanding expandtabs explode extract
    ffill fillna filter find findall first flatten format format_map fullmatch get group groupby
    groups head hex idxmax idxmin index intersection is_integer isalnum isalpha isascii
    isdecimal isdigit isdisjoint isidentifier isin islower isna isnull isnumeric isoformat
    isoweekday isprintable isspace issubset issuperset istitle isupper items iterrows itertuples
    join json keys last ljust lower lstrip map match max mean median melt memory_usage merge min
    mode model_dump model_dump_json most_common nlargest notna notnull nsmallest nunique
    partition pct_change pipe pivot pivot_table predict predict_proba quantile query ravel
    reindex removeprefix removesuffix rename replace resample reset_index reshape rfind rindex
    rjust rolling round rpartition rsplit rstrip sample score search select_dtypes set_index
    shift size sort_index sort_values split splitlines stack startswith std strftime strip sum
    swapcase symmetric_difference tail time timestamp title to_csv to_dict to_frame to_html
    to_json to_list to_markdown to_numpy to_string tolist transform translate transpose
    tz_convert tz_localize union unique unstack upper value_counts values var weekday where xs
    zfill
    """
)
"""Methods of values that by convention change nothing."""

CHANGES_FIRST = _words(
    "copyto delattr fill_diagonal heapify heappop heappush insort next putmask setattr shuffle"
)
"""Functions that change their first argument."""

DISPLAY_SETTERS = _words(
    "reset_option set_eng_float_format set_fmt_str_lengths set_option set_options"
    " set_printoptions set_tbl_cols set_tbl_rows"
)
"""Functions that change how a library shows all its values."""

LATE_LOOKUPS = frozenset({"eval", "query", "sql"})
"""Methods that look names up which stand in a text."""

# What sees all names ------------------------------------------------------------------------------

_SEES_ALL_BUILTINS = _words("compile dir eval exec get_ipython globals locals vars")
_SEES_ALL_ATTRIBUTES = _words(
    """
    __builtins__ __globals__ _current_frames _getframe _getframemodulename ag_frame cr_frame
    currentframe f_back f_builtins f_globals f_locals get_ipython get_objects get_referents
    get_referrers getouterframes gi_frame run_cell run_cell_magic run_line_magic tb_frame
    user_global_ns user_ns
    """
)
_SEES_ALL_MODULES = {
    "sys": _words("modules"),
    "inspect": _words("getargvalues getinnerframes stack trace"),
    "builtins": _SEES_ALL_BUILTINS | {"__import__"},
}
_NAMESPACES = frozenset({"__builtins__", "__main__"})


def sees_all_by_name(name: str) -> str | None:
    """Why the use of a name by itself may use all: ``globals`` does."""
    if name in _SEES_ALL_BUILTINS:
        return _SEES_ALL.format(f"{name}()")
    return _SEES_ALL.format(name) if name in _SEES_ALL_MODULES or name in _NAMESPACES else None


def sees_all_by_attribute(base: str, attribute: str) -> str | None:
    """Why the use of ``base.attribute`` may use all names; ``base`` may be empty."""
    if attribute in _SEES_ALL_ATTRIBUTES:
        return _SEES_ALL.format(attribute)
    if base in _NAMESPACES or attribute in _SEES_ALL_MODULES.get(base, ()):
        return _SEES_ALL.format(f"{base}.{attribute}")
    return None


def sees_all_by_call(node: ast.Call) -> str | None:
    """Why a call that reads names out of a text may use all."""
    first = node.args[0] if node.args else None
    text = first.value if isinstance(first, ast.Constant) else None
    match node.func:
        case ast.Name(id="getattr" | "attrgetter") | ast.Attribute(attr="attrgetter"):
            for one in node.args:
                if isinstance(one, ast.Constant) and one.value in _SEES_ALL_ATTRIBUTES:
                    return _SEES_ALL.format(one.value)
        case ast.Name(id="__import__") | ast.Attribute(attr="import_module"):
            if text is None or text == "__main__":
                return "an import whose name is computed may be of the notebook itself"
        case ast.Attribute(attr=attribute) if attribute in LATE_LOOKUPS:
            if attribute == "sql" or not isinstance(text, str):
                return f"`.{attribute}()` may look variables up that its text names"
    return None


def sees_all_by_import(path: list[str], asname: str | None, *, is_module: bool) -> str | None:
    """Why an import may use all names.

    Args:
        path: What is imported, in its parts.
        asname: Another name that it is given.
        is_module: Whether it is a module itself, and not something from one.
    """
    if path[0] in _NAMESPACES:
        return _SEES_ALL.format(path[0])
    if not is_module:
        return sees_all_by_attribute(path[0], path[-1])
    return f"`{path[0]}` is given another name" if asname and path[0] in _SEES_ALL_MODULES else None


# What acts on the world ---------------------------------------------------------------------------

_ACTING_NAMES = _words("breakpoint exit input open quit sleep urlopen")
_ACTING_MODULES = _words(
    """
    aiohttp boto3 ftplib http httpx multiprocessing paramiko psutil requests shutil signal
    smtplib socket subprocess tempfile time urllib urllib3 webbrowser
    """
)
_ACTING_METHODS = _words(
    """
    commit dump mkdir now popen rmdir save savefig send sendall sleep touch unlink urlopen
    urlretrieve utcnow write write_bytes write_text writelines
    """
)
_FILE_KINDS = _words("csv excel feather hdf html json parquet pickle sql")
_IDLE = _words("asctime cpu_count environ fspath get getenv getpid sep strftime strptime")


def acts(path: list[str], node: ast.Call | None = None) -> bool:
    """Whether a call acts on the world: ``["os", "remove"]`` does, ``["os", "path", "join"]`` not.

    Args:
        path: What is called, in its parts; the first one is empty where it is a method of a value.
        node: The call; None for what an import brings.
    """
    base, last = path[0], path[-1]
    if len(path) == 1:
        goes_to_file = node is not None and any(one.arg == "file" for one in node.keywords)
        return base in _ACTING_NAMES or (base == "print" and goes_to_file)
    if last.startswith("to_"):
        return node is not None and last[3:] in _FILE_KINDS and bool(node.args)
    is_acting = base in _ACTING_MODULES or (base == "os" and last != "")
    return last in _ACTING_METHODS or (
        is_acting and path[1] not in ("parse", "path") and last not in _IDLE
    )


# What changes nothing -----------------------------------------------------------------------------


def is_pure_call(node: ast.Call) -> bool:
    """Whether a call is known, or by convention sure, to change nothing: ``sorted(x)`` is."""
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
