"""How Sphinx builds the documentation; the examples in it are run by `conftest.py`."""

from __future__ import annotations

import importlib.metadata

from sphinx.builders.html import StandaloneHTMLBuilder

project = "LLM-REPL"
author = "The LLM-REPL authors"
copyright = author
release = importlib.metadata.version("llm-repl-core")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

# The pictures of the page are WebP, which browsers show and Sphinx does not list.
StandaloneHTMLBuilder.supported_image_types.append("image/webp")

html_theme = "furo"
html_title = f"LLM-REPL {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings: Google style, annotations shown in the signature, a single backtick means code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
toc_object_entries = False

# Links are followed within this documentation only: what other projects document (the standard
# library, msgspec and so on) is named in signatures, and the build needs no network.
nitpick_ignore_regex = [(r"py:.*", r".*")]
