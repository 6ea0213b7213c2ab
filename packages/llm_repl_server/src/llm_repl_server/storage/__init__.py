"""Storage: notebooks, cells and small settings in a database."""
