"""The page: its files, and the headers that keep it apart from what notebooks hold."""
