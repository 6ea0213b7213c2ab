"""LLM-REPL over HTTP and Socket.IO, with a command line."""

__version__ = "0.1.0"
