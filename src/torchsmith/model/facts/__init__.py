"""Fact types, one module per part of the machine. A fact's name in JSON is its class name in snake case."""
