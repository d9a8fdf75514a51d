"""Several facts, and knowledge, become one truth."""
