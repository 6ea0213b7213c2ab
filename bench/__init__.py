"""Benchmarks, each against a released peer or the least that could do the work, in one run."""
