"""Pasted text becomes the facts that probes give."""
