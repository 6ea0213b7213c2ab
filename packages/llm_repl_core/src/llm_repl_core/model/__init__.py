"""Data: notebooks, cells, outputs. No I/O, no engine."""
