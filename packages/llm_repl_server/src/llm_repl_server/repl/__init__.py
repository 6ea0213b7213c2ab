"""The terminal as a notebook: lines become cells, and what they give is printed once."""
