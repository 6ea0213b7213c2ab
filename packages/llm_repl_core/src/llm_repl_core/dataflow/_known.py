"""What is known about Python's own names: what changes nothing, and what cannot be followed."""

from __future__ import annotations

import builtins

__all__ = [
    "BARRIER_ATTRIBUTES",
    "BARRIER_NAMES",
    "BUILTINS",
    "DISPLAY_SETTERS",
    "FRESH_BUILTINS",
    "GOING_THROUGH",
    "ITERATOR_BUILTINS",
    "LATE_LOOKUPS",
    "OPEN_MODULES",
    "PURE_METHODS",
    "QUIET_METHODS",
    "TYING_BUILTINS",
]

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {
    *("__build_class__", "__debug__", "__import__", "display", "exit", "quit"),
}

FRESH_BUILTINS = frozenset(
    {
        *("abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex"),
        *("divmod", "float", "format", "hasattr", "hash", "hex", "id", "int", "isinstance"),
        *("issubclass", "len", "oct", "ord", "pow", "print", "range", "repr", "round", "slice"),
        *("str", "type", "display"),
    }
)
"""These change nothing, and what they give holds nothing of what they were given."""

TYING_BUILTINS = frozenset(
    {
        *("dict", "enumerate", "filter", "frozenset", "getattr", "list", "map", "max", "min"),
        *("reversed", "set", "sorted", "sum", "tuple", "zip", "iter", "memoryview"),
        *("bytearray", "property", "staticmethod", "classmethod"),
    }
)
"""These change nothing, but what they give may hold what they were given."""

GOING_THROUGH = frozenset(
    {
        *("all", "any", "bytes", "dict", "enumerate", "filter", "frozenset", "iter", "list"),
        *("map", "max", "min", "set", "sorted", "sum", "tuple", "zip", "bytearray", "join"),
    }
)
"""These go through what they are given, now or later."""

ITERATOR_BUILTINS = frozenset({"enumerate", "filter", "iter", "map", "open", "reversed", "zip"})
"""What these give can be gone through only once."""

PURE_METHODS = frozenset(
    {
        # Text, bytes and numbers.
        *("capitalize", "casefold", "center", "count", "decode", "encode", "endswith"),
        *("expandtabs", "find", "format", "format_map", "index", "isalnum", "isalpha"),
        *("isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric"),
        *("isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip"),
        *("partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust"),
        *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
        *("swapcase", "title", "translate", "upper", "zfill", "bit_length", "hex"),
        *("is_integer", "as_integer_ratio"),
        # Collections.
        *("copy", "difference", "get", "intersection", "isdisjoint", "issubset", "issuperset"),
        *("items", "keys", "most_common", "symmetric_difference", "union", "values"),
        # Dates.
        *("date", "isoformat", "isoweekday", "strftime", "time", "timestamp", "weekday"),
        # Frames and arrays.
        *("abs", "all", "any", "argmax", "argmin", "astype", "corr", "cumsum", "describe"),
        *("dropna", "groupby", "head", "idxmax", "idxmin", "isin", "isna", "max", "mean"),
        *("median", "min", "mode", "nlargest", "notna", "nsmallest", "nunique", "quantile"),
        *("reset_index", "reshape", "round", "sort_values", "std", "sum", "tail", "to_csv"),
        *("to_dict", "to_html", "to_json", "to_list", "to_markdown", "to_string", "tolist"),
        *("to_numpy", "unique", "value_counts", "var"),
        # Models and data classes.
        *("model_dump", "model_dump_json", "dict", "json", "_asdict"),
    }
)
"""Methods of values that by convention change nothing."""

QUIET_METHODS = PURE_METHODS | {"__class_getitem__"}

BARRIER_NAMES = frozenset(
    {"compile", "dir", "eval", "exec", "get_ipython", "globals", "locals", "vars"}
)
"""Builtins that see or run whatever there is."""

BARRIER_ATTRIBUTES = frozenset(
    {
        *("__builtins__", "__globals__", "_current_frames", "_getframe", "_getframemodulename"),
        *("ag_frame", "cr_frame", "currentframe", "f_back", "f_builtins", "f_globals"),
        *("f_locals", "get_ipython", "get_objects", "get_referents", "get_referrers"),
        *("getouterframes", "gi_frame", "run_cell", "run_cell_magic", "run_line_magic"),
        *("tb_frame", "user_global_ns", "user_ns"),
    }
)
"""Attributes that lead to every variable of the notebook, whatever they are of."""

OPEN_MODULES: dict[str, frozenset[str] | None] = {
    "sys": frozenset({"modules"}),
    "inspect": frozenset({"stack", "trace", "getinnerframes", "getargvalues"}),
    "builtins": BARRIER_NAMES | {"__import__"},
    "__builtins__": None,
    "__main__": None,
}
"""Modules with attributes that see every variable; None: all of them."""

DISPLAY_SETTERS = frozenset(
    {
        *("reset_option", "set_eng_float_format", "set_option", "set_options"),
        *("set_printoptions", "set_fmt_str_lengths", "set_tbl_cols", "set_tbl_rows"),
    }
)
"""Functions that change how a library shows all its values."""

LATE_LOOKUPS = frozenset({"eval", "query", "sql"})
"""Methods that look names up which stand in a text."""
