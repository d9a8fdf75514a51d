"""Renderers: one per format, from the same findings."""
