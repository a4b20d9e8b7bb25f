"""The store, on SQLite or PostgreSQL: a small module for each table or subject, with functions over a transaction."""
