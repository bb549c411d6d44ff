"""Adapters of the `Store` seam: SQLite, and its shipped in-memory twin."""
