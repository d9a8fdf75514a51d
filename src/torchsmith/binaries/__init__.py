"""Pure readers of binaries: ELF, PE, GPU code, and the small texts that describe a torch build.

Each reader takes a file object (``seek`` and ``read``) and the file's size, reads only inside ``[0, size]``, runs
nothing of what it reads and raises `torchsmith.binaries.errors.BinaryError`, and nothing else, for a file that it
cannot trust.
"""
