"""How each built-in type of cell is run: one file a type."""
