"""Pasted text -> the same facts that probes give. One file per pasted format; each is pure: lines in, clues out.

``formats.read(data)`` is the whole way: ``text`` decodes and bounds, every format gives its clues, ``assemble`` makes facts of
them. A format never judges, and a clue says on which line it stood.
"""
