"""Hands facts to probes, derivations and rules; knows none of them. app gives it the catalogue."""
