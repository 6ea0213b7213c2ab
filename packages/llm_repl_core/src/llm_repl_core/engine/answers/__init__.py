"""The answers of a prompt: its versions, which one is in use, and asking several models."""
