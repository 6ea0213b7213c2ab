"""Responses: the API that OpenAI prefers for its own models."""
