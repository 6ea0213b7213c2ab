"""File formats: bytes to notebooks and back."""
