"""The decision: candidates, what rejects them, the order of what is left. Pure: facts in, a choice out."""
