"""What a cell reads and writes, and so what waits for what. No engine, no kernel, no I/O."""
