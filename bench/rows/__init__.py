"""Measure against released peers, or the least that could do the work, both in turns in one run.

A row is a generator that prepares both sides and yields two functions, each of which takes one
sample. It is decorated with `bench.harness.row`; a file of rows is a group.
"""
