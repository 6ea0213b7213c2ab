"""The providers that come with LLM-REPL: `mock`, which needs no key, and `openai`."""
