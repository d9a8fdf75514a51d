"""Which Python, which torch."""
