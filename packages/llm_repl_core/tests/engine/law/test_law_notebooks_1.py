"""Drawn notebooks are held to the law: a share of them, see `law_parts`."""

from law_parts import part

test_notebooks_leave_in_parallel_what_they_leave_in_order = part(0)
