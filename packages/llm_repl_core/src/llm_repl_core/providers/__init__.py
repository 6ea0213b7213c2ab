"""Providers: who answers prompts. The interface only; vendors live in packages of their own."""
