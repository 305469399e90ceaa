"""The store: SQLAlchemy Core over SQLite or PostgreSQL. Functions take a connection; `database` gives it."""
