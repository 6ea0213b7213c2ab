"""What the server does, in words of the domain. Coroutines of the engine's loop; no Flask."""
