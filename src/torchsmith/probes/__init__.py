"""Fetch and parse one fact each. A probe collects; it never judges, and it does not know what it would like to find."""
