"""Conformance suites that plugin authors subclass, and a server that speaks OpenAI's protocol."""
