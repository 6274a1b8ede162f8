"""The graph of foreign keys, and what travels along it."""
