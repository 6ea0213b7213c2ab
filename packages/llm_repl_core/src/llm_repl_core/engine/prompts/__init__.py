"""What a prompt sends, and what becomes of the answer."""
