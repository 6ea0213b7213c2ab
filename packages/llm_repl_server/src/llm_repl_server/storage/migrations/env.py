"""Alembic's way in: runs migrations over the connection that `storage.migrate` gives."""

from __future__ import annotations

from alembic import context

from llm_repl_server.storage.schema import metadata, version_table_name

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=version_table_name,
)
# The transaction is the giver's, who commits it.
context.run_migrations()
