"""What a type of cell is written against: how a cell is run, what it asks of models, what happens."""
