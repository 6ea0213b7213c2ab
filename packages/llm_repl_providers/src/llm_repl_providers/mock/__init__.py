"""A provider that needs no key and no network, and answers the same each time."""
