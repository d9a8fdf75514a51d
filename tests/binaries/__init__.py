"""Tests of the binary readers."""
