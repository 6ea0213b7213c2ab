"""Calls to models on record: what was sent, what came back, and how to have it again."""
