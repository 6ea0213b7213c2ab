"""A prompt's text and its fields, in the grammar of Python's f-strings.

A field is ``{expression}``, ``{expression!r}``, ``{expression:spec}`` (a spec may hold fields) or
``{expression=}``. ``{{`` and ``}}`` stand for plain braces. Unlike an f-string, a template is
mostly prose, and so:

- A brace whose inside is not an expression that starts from a name is plain text: ``{}``,
  ``{"a": 1}``, ``{ return 1; }``, ``{-x}``. Parentheses may come first: ``{(a + b) / 2}``.
- A spec that holds a ``;`` or a line break is none: ``{ color: red; }`` is CSS.
- A template reads the state and never changes it: ``:=``, ``await`` and ``yield`` make no field.
- A brace that nothing closes, or that closes nothing, is plain text, and plain braces nest: the
  end of ``{"a": {"b": 1}}`` stays as it is, since it closes two plain braces.

What is inserted is never scanned again.

>>> template = parse('Dear {name}, {"a": 1} costs {price:.2f}.')
>>> [field.text for field in template.fields]
['{name}', '{price:.2f}']
"""

from __future__ import annotations

from llm_repl_core.templates.lookalikes import Lookalike
from llm_repl_core.templates.template import Field, Template, parse

__all__ = ["Field", "Lookalike", "Template", "parse"]
