"""The engine: a notebook that lives."""
