"""Migrations of the storage, run by Alembic when a database is opened."""
