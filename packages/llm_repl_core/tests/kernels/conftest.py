from __future__ import annotations

import pytest

# The suite is no test module by its name; its assertions are to be explained all the same.
pytest.register_assert_rewrite("llm_repl_core.testing.kernel_suite")
