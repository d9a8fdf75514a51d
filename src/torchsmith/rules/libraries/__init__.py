"""Shared libraries that torch needs."""
