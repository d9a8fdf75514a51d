"""Processor, C library, disk and the rest of the machine."""
