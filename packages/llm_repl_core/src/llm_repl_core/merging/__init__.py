"""Three versions of a notebook made one: what a version control system asks of its merge drivers."""
