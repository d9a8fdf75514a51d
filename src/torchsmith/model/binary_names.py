"""Which file names are those of binaries."""

from __future__ import annotations

from torchsmith.model.pattern import pattern

ENDINGS = (".so", ".dll", ".pyd", ".dylib", ".a", ".o", ".fatbin", ".cubin")

_VERSIONED = pattern(r".+\.so(?:\.[0-9][0-9a-z_-]*)+")
"""``libcudart-e409450e.so.11.0``; a ``libssl.so.1.1.hmac`` is none, and neither is ``libfoo.so.bak``."""


def is_binary_name(name: str) -> bool:
    """Whether a file's name, with or without its folder, says that it is a binary."""
    name = name.lower()
    return name.endswith(ENDINGS) or (".so." in name and bool(_VERSIONED.fullmatch(name)))
