"""The peers, started as their own documentation says."""
