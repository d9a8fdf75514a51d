"""Bytes that name one folder, made to name another: what an installer writes into a clone, as it would have been at the live path.

Pure. A path is written in many ways: plain, in an address (``%20``), in JSON (``\\\\`` and ``\\u00e4``), in quotes of a shell.
"""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_SHEBANG = 127
"""pip (outside macOS) and uv write a longer first line as a script of ``/bin/sh`` that starts Python."""
_LONGEST_OF_MACOS = 512
_OF_ADDRESSES = "/:@!$&'()*+,;=~^[]|\\"
"""Besides letters, digits and ``-._``: what uv leaves as it is in an address, where pip writes more of it as ``%``."""
_BY_SHELL = re.compile(rb"""#!/bin/sh\n'''exec' (?P<word>"[^"\n]*"|'[^\n]*'|[^\s"']+)(?P<rest>[^\n]*) "\$0" "\$@"\n' '''""")


@record
class Move:
    """From one absolute folder to another: finds the first in bytes and puts the second in its place."""

    old: str
    new: str
    pairs: tuple[tuple[bytes, bytes], ...]
    found: re.Pattern[bytes]

    def within(self, data: bytes) -> bool:
        """Whether the bytes name the first folder, or something in it."""
        return self.found.search(data) is not None

    def text(self, data: bytes) -> bytes:
        """The bytes of a text, with the second folder for the first; the first lines of a script as pip and uv write them."""
        table = dict(self.pairs)
        data = _BY_SHELL.sub(lambda match: _shebang(match, self), data, count=1) if data.startswith(b"#!/bin/sh") else data
        return self.found.sub(lambda match: table[match[0]], data)

    def binary(self, data: bytes) -> bytes | None:
        """The bytes of a program as conda patches them: each string keeps its length, NULs follow. None if it is too short."""
        old, new = os.fsencode(self.old), os.fsencode(self.new)
        if len(new) > len(old):
            return None
        strings = re.compile(self.found.pattern + rb"[^\0]*\0")

        def patched(match: re.Match[bytes]) -> bytes:
            moved = self.found.sub(lambda found: dict(self.pairs)[found[0]], match[0])
            return moved + b"\0" * (len(match[0]) - len(moved))

        moved = strings.sub(patched, data)
        return moved if len(moved) == len(data) else None


def move(old: str, new: str) -> Move:
    """How ``old`` becomes ``new`` in every way of writing it."""
    pairs: dict[bytes, bytes] = {}
    for form in _FORMS:
        pairs.setdefault(form(old), form(new))
    longest = sorted(pairs, key=len, reverse=True)
    # Neither /a/run-30 nor /a/run-3.bak is /a/run-3, and /b/a/run-3 is another folder, too.
    found = re.compile(rb"(?<![\w.\-])(?:" + b"|".join(map(re.escape, longest)) + rb")(?![\w\-\x80-\xff]|\.\w)")
    return Move(old, new, tuple(pairs.items()), found)


def _in_json(path: str, ascii_only: bool) -> bytes:
    return json.dumps(path, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogateescape")


_FORMS: tuple[Callable[[str], bytes], ...] = (
    os.fsencode,
    lambda path: quote(os.fsencode(path.replace("\\", "/"))).encode(),
    lambda path: quote(os.fsencode(path.replace("\\", "/")), safe=_OF_ADDRESSES).encode(),
    lambda path: quote(os.fsencode(path.replace("\\", "/")), safe="/:").encode(),
    lambda path: _in_json(path, ascii_only=True),
    lambda path: _in_json(path, ascii_only=False),
    lambda path: os.fsencode(path.replace("\\", "/")),
    lambda path: os.fsencode(path.replace("'", "'\\''")),
    lambda path: os.fsencode(path.replace("'", "'\"'\"'")),
    lambda path: os.fsencode(path.replace("'", "\\'")),
)
"""Plain, of an address (pip, uv, pip on Windows), JSON, with other slashes, and within single quotes (sh, shlex, fish and Python)."""


def _shebang(match: re.Match[bytes], moved: Move) -> bytes:
    """The first lines again for the other path: it may be short enough for the plain form."""
    word, rest = match["word"], match["rest"]
    quoted = word[:1] == b"'"
    bare = word.strip(b"'").replace(b"'\\''", b"'").replace(b"'\"'\"'", b"'") if quoted else word.strip(b'"')
    new = moved.found.sub(lambda found: dict(moved.pairs)[found[0]], bare)
    if new == bare:
        return match[0]
    import sys

    longest = _LONGEST_OF_MACOS if sys.platform == "darwin" and not quoted else _LONGEST_SHEBANG
    if b" " not in new and len(new) + len(rest) + 3 <= longest:
        return b"#!" + new + rest
    if quoted:
        return match[0].replace(word, b"'" + new.replace(b"'", b"'\"'\"'") + b"'", 1)
    return match[0].replace(word, b'"' + new + b'"' if b" " in new else new, 1)
