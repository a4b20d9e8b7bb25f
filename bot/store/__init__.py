"""Everything the bot remembers, on SQLite or PostgreSQL: one small module per noun, functions over a transaction."""
