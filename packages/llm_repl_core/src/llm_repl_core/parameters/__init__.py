"""Parameters of a notebook: the defaults that a cell tagged ``parameters`` holds, and others.

The rule is papermill's: what a run is given stands in a cell of its own, tagged
``injected-parameters``, right behind the cell with the defaults.
"""
