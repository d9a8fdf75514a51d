"""Benchmarks: each prints a Markdown table of one run against what it is compared with."""
