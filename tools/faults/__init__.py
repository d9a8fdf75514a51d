"""Fault injection: what becomes of an environment when a change of it is cut, refused or starved at each of its steps.

``python -m tools.faults`` tells how; ``tools/nightly`` runs it.
"""
