"""Chat completions: the protocol that OpenAI and most other servers speak."""
