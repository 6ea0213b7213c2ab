"""The command line: one file a command, and heavy imports inside the command."""
