"""The catalogue, the user's songs and history, in SQLite."""
